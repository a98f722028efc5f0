/**
 * Two network namespaces, and a link between them that can be made bad: by the kernel's own netem where it has that, else by link.py between two
 * TUN devices, which does the same to each packet. Either way TCP meets it as it meets a real network.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';

/** What the link does to each packet, in either direction. */
export interface Condition {
  /** Percent of the packets that are dropped. */
  readonly loss?: number;
  /** Milliseconds. */
  readonly delay?: number;
  /** Milliseconds more or less; packets overtake each other by it. */
  readonly jitter?: number;
  /** Percent of the packets that are not delayed, and so overtake others. */
  readonly reorder?: number;
  /** kbit/s. */
  readonly rate?: number;
  /** Packets that wait at most; what comes then is dropped. Default 1000. */
  readonly queue?: number;
}

/** No packet passes any more, and nobody is told. */
export const SILENCE: Condition = { loss: 100 };

/** Of both directions. What a kernel does not count is missing. */
export interface Counts {
  readonly packets: number;
  readonly dropped: number;
  readonly overtaken?: number;
}

export const ADDRESSES = { near: '10.77.0.1', far: '10.77.0.2' } as const;
export type Place = keyof typeof ADDRESSES;
const PLACES = ['near', 'far'] as const;
const PREFIX = 'tgs-network';
const DEVICE = 'wire';

const namespaceOf = (place: Place): string => `${PREFIX}-${process.pid}-${place}`;

function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** The command line of a program within a namespace. */
export function within(place: Place, ...command: string[]): string[] {
  return ['netns', 'exec', namespaceOf(place), ...command];
}

const inside = (place: Place, ...command: [string, ...string[]]): string => run('ip', ...within(place, ...command));

/** Throws with what is missing. */
export function checkMachine(): void {
  if (process.platform !== 'linux') throw new Error('network namespaces are a thing of Linux');
  if (process.getuid!() !== 0) throw new Error('network namespaces need root');
  for (const [program, version, where] of [['ip', '-V', 'iproute2'], ['tc', '-V', 'iproute2'], ['python3', '-V', 'python3']] as const) {
    try {
      run(program, version);
    } catch {
      throw new Error(`the program \`${program}\` is missing: it is in the package ${where}`);
    }
  }
}

/** Also those of a run that was killed. */
function removeNamespaces(): void {
  if (!existsSync('/var/run/netns')) return;
  for (const name of readdirSync('/var/run/netns')) {
    const [, pid] = /^tgs-network-(\d+)-/.exec(name) ?? [];
    if (pid !== undefined && (Number(pid) === process.pid || !existsSync(`/proc/${pid}`))) run('ip', 'netns', 'del', name);
  }
}

function addNamespaces(): void {
  for (const place of PLACES) {
    try {
      run('ip', 'netns', 'add', namespaceOf(place));
    } catch (error) {
      throw new Error(`no network namespace can be made here: ${(error as Error).message}`, { cause: error });
    }
    inside(place, 'ip', 'link', 'set', 'lo', 'up');
  }
}

function hasNetem(): boolean {
  try {
    inside('near', 'tc', 'qdisc', 'add', 'dev', 'lo', 'root', 'netem', 'delay', '1ms');
    inside('near', 'tc', 'qdisc', 'del', 'dev', 'lo', 'root');
    return true;
  } catch {
    return false;
  }
}

export abstract class Link {
  abstract readonly made: string;

  /** Makes the namespaces, and a perfect link between them. They go with this process, however it ends, unless it is killed by SIGKILL. */
  static async make(seed: number): Promise<Link> {
    process.once('exit', removeNamespaces);
    removeNamespaces();
    addNamespaces();
    return hasNetem() && process.env['NETEM'] !== 'no' ? new NetemLink() : await TunLink.open(seed);
  }

  /** From now on the link is so. Resolves to what has passed before. */
  abstract set(condition: Condition): Promise<Counts>;

  abstract close(): void;
}

/** A pair of devices, each with netem for what it sends. */
class NetemLink extends Link {
  readonly made = "the kernel's netem";

  constructor() {
    super();
    const [near, far] = PLACES;
    run('ip', 'link', 'add', DEVICE, 'netns', namespaceOf(near), 'type', 'veth', 'peer', 'name', DEVICE, 'netns', namespaceOf(far));
    for (const place of PLACES) {
      // Packets as they are on a wire: netem would drop 64 KB at once.
      inside(place, 'ip', 'link', 'set', DEVICE, 'gso_max_segs', '1');
      inside(place, 'ip', 'address', 'add', `${ADDRESSES[place]}/30`, 'dev', DEVICE);
      inside(place, 'ip', 'link', 'set', DEVICE, 'up');
    }
    // A silent link must not make the neighbour unknown: behind a router nobody would notice.
    for (const [place, other] of [[near, far], [far, near]] as const) {
      const { address } = (JSON.parse(inside(other, 'ip', '-j', 'link', 'show', DEVICE)) as [{ address: string }])[0];
      inside(place, 'ip', 'neigh', 'replace', ADDRESSES[other], 'lladdr', address, 'dev', DEVICE, 'nud', 'permanent');
    }
  }

  async set({ loss = 0, delay = 0, jitter = 0, reorder = 0, rate = 0, queue = 1000 }: Condition): Promise<Counts> {
    const options = ['limit', String(queue), 'delay', `${delay}ms`, `${jitter}ms`, ...(loss > 0 ? ['loss', `${loss}%`] : []), ...(reorder > 0 ? ['reorder', `${reorder}%`] : []), ...(rate > 0 ? ['rate', `${rate}kbit`] : [])];
    const counts = { packets: 0, dropped: 0 };
    for (const place of PLACES) {
      const [before] = JSON.parse(inside(place, 'tc', '-s', '-j', 'qdisc', 'show', 'dev', DEVICE)) as [{ packets?: number; drops?: number }];
      counts.packets += (before.packets ?? 0) + (before.drops ?? 0);
      counts.dropped += before.drops ?? 0;
      const root = ['dev', DEVICE, 'root'];
      inside(place, 'tc', 'qdisc', 'replace', ...root, 'pfifo'); // so that the counts begin anew
      inside(place, 'tc', 'qdisc', 'replace', ...root, 'netem', ...options);
    }
    return counts;
  }

  close(): void {
    // It goes with its namespaces.
  }
}

class TunLink extends Link {
  readonly made = 'TUN devices and link.py (this kernel has no netem)';
  readonly #program: ChildProcess;
  readonly #lines: NodeJS.AsyncIterator<string>;

  private constructor(program: ChildProcess) {
    super();
    this.#program = program;
    this.#lines = readline.createInterface(program.stdout!)[Symbol.asyncIterator]();
  }

  static async open(seed: number): Promise<TunLink> {
    const names = PLACES.map((place) => `tgs${process.pid}${place}`.slice(0, 15));
    const source = fileURLToPath(new URL('../../../scripts/network/link.py', import.meta.url));
    // In a group of its own: a Ctrl-C is for us, and its input ends with us.
    const program = spawn('python3', [source, ...names, String(seed)], { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
    program.once('exit', (code) => {
      if (code !== 0) throw new Error(`link.py has ended with ${code}`);
    });
    const link = new TunLink(program);
    await Promise.race([link.#lines.next(), once(program, 'exit')]); // "ready"
    for (const [i, place] of PLACES.entries()) {
      run('ip', 'link', 'set', names[i]!, 'netns', namespaceOf(place), 'name', DEVICE);
      inside(place, 'ip', 'address', 'add', ADDRESSES[place], 'peer', ADDRESSES[PLACES[1 - i]!], 'dev', DEVICE);
      inside(place, 'ip', 'link', 'set', DEVICE, 'up');
    }
    return link;
  }

  async set(condition: Condition): Promise<Counts> {
    this.#program.stdin!.write(`${JSON.stringify(condition)}\n`);
    const { value } = await this.#lines.next();
    return JSON.parse(value as string) as Counts;
  }

  close(): void {
    this.#program.stdin!.end();
  }
}
