/** One round: a server of some kind, clients of all sorts, and one drain or two. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DrainOptions, DrainReport } from '../../src/index.js';
import { turns, VERSIONS, type Version } from '../../test/support/pair.js';
import { chance, type Chance } from '../../test/support/random.js';
import { Http1Story } from './http1-story.js';
import { Http2Story } from './http2-story.js';
import { GOODBYE, isTls, KINDS, Rig, type Kind, type Seen } from './servers.js';
import { mayBe, sumOf, type Fault, type Outcome, type Story } from './story.js';
import { TalkStory } from './talk-story.js';
import { Wire, type Habit } from './wire.js';

/** How late a report may be, in ms. */
const SLACK = 2000;
const PATIENCE = 15_000;

interface Plan {
  readonly kind: Kind;
  readonly version: Version | undefined;
  /** By `grace` or `force`, or not at all. */
  readonly forced: 'grace' | 'force' | undefined;
  readonly quiet: boolean;
  readonly idleGrace: number;
  readonly timeout: number;
  readonly finish: 'says goodbye' | 'says goodbye later' | 'fails' | undefined;
  readonly again: boolean;
  readonly joins: boolean;
  readonly closes: boolean;
  readonly clients: number;
}

function makePlan(random: Chance): Plan {
  const kind = random.pick(KINDS);
  return {
    kind,
    version: isTls(kind) ? random.pick(VERSIONS) : undefined,
    forced: random() < 0.25 ? random.pick(['grace', 'force'] as const) : undefined,
    quiet: random() < 0.1,
    idleGrace: random.pick([0, 20, 100, 300]),
    timeout: 1500, // of silent clients; a machine that is busy must not look like one
    finish: random.pick([undefined, undefined, 'says goodbye', 'says goodbye later', 'fails'] as const),
    again: random() < 0.3,
    joins: random() < 0.3,
    closes: random() < 0.2,
    clients: 1 + random.below(9),
  };
}

/** A drain under way, and what it should have counted. */
interface Draining {
  readonly report: Promise<DrainReport>;
  /** When it has to be over, by `performance.now()`. */
  readonly due: number;
}

export class Round {
  readonly plan: Plan;
  readonly faults: Fault[] = [];
  readonly stories: Story[] = [];
  drains = 0;
  connections = 0;
  crossed = 0;
  /** Connections that the kernel had accepted and the server had not, when the listening stopped. */
  resets = 0;
  readonly #seed: number;
  readonly #random: Chance;
  readonly #rig: Rig;
  readonly #running: Promise<void>[] = [];
  #port = 0;
  #isOver = false;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = chance(seed);
    this.plan = makePlan(this.#random);
    this.#rig = new Rig(this.plan.kind, this.plan.version);
  }

  async run(): Promise<void> {
    const random = this.#random;
    const { plan } = this;
    this.#port = await this.#rig.listen();
    this.#start(plan.clients);
    await sleep(random.below(100));
    const drains = [this.#drain(0)];
    if (random() < 0.5) this.#start(2);
    await sleep(random.below(100));
    if (plan.again && !this.#rig.server.listening) {
      this.#port = await this.#rig.listen();
      this.#expect(!this.#rig.drains.draining, 'it listens again, and is draining');
      this.#start(plan.clients);
      await sleep(random.below(60));
      drains.push(this.#drain(1));
    }
    const reports = await Promise.all(drains.map((drain) => this.#settled(drain)));
    this.#isOver = true;
    if (reports.every((report) => report !== undefined)) await this.#judge(reports as DrainReport[]);
    for (const { wire } of this.stories) wire.destroy();
    const left = await Promise.race([Promise.all(this.#running), sleep(PATIENCE, 'left', { ref: false })]);
    this.#expect(left !== 'left', 'a client, or the callback of close(), is left waiting');
  }

  #expect(holds: boolean, otherwise: Fault): void {
    if (!holds) this.faults.push(otherwise);
  }

  #start(count: number): void {
    for (let i = 0; i < count; i++) this.#running.push(this.#client(chance(this.#seed * 1000 + this.#running.length)));
  }

  /** One client, and another connection of it where the first has ended. */
  async #client(random: Chance): Promise<void> {
    const { kind, version, forced } = this.plan;
    await sleep(random.below(90));
    for (let tries = 1 + random.below(3); tries > 0 && !this.#isOver; tries--) {
      const isHttp2 = kind === 'http2' || kind === 'http2 without TLS' || (kind === 'http2 with allowHTTP1' && random() < 0.5);
      const alpn = version !== undefined && kind.startsWith('http2') ? [isHttp2 ? 'h2' : 'http/1.1'] : undefined;
      const habit: Habit = random() < 0.8 ? 'strict' : random() < 0.85 ? 'lax' : 'silent';
      const wire = new Wire({ port: this.#port, version, alpn, habit });
      const story = kind === 'tls' || kind === 'net' ? new TalkStory(wire, random) : isHttp2 ? new Http2Story(wire, random, forced !== undefined) : new Http1Story(wire, random, forced !== undefined);
      this.stories.push(story);
      const isMute = version !== undefined && random() < 0.02;
      story.unruly = isMute;
      if (await wire.open(isMute ? Infinity : random() < 0.7 ? 0 : random.below(60))) await story.run();
      if (wire.ended === 'ECONNREFUSED') return;
    }
  }

  #drain(number: number): Draining {
    const { plan } = this;
    const random = this.#random;
    const rig = this.#rig;
    for (const seen of rig.seen) if (isAlive(seen)) seen.drain ??= number;
    rig.drain = number;
    const limit = random.below(400);
    const abort = new AbortController();
    if (plan.forced === 'force') setTimeout(() => abort.abort(), limit);
    const options: DrainOptions = { grace: plan.forced === 'grace' ? limit : Infinity, idleGrace: plan.forced === 'grace' ? 0 : plan.idleGrace, timeout: plan.timeout, quiet: plan.quiet, ...this.#finish() };
    const report = rig.drains.drain({ ...options, ...(plan.forced === 'force' && !plan.joins ? { force: abort.signal } : {}) });
    this.drains++;
    this.#expect(rig.drains.draining, 'it drains, and is not draining');
    if (plan.joins) {
      const joined = rig.drains.drain(plan.forced === 'force' ? { force: abort.signal } : { idleGrace: 5 });
      void Promise.all([report, joined]).then(([one, other]) => this.#expect(one === other, 'a second drain() gave another report'));
    }
    if (plan.closes) {
      const closed = new Promise<unknown>((resolve) => void rig.server.close(resolve));
      this.#running.push(closed.then((error) => this.#expect(error === undefined, `close() gave ${String(error)}`)));
    }
    return { report, due: performance.now() + (plan.forced === undefined ? PATIENCE : limit + SLACK) };
  }

  #finish(): Pick<DrainOptions, 'finish'> {
    const { finish } = this.plan;
    if (finish === undefined) return {};
    return {
      finish: async (socket) => {
        if (finish === 'fails') throw new Error('no goodbye');
        if (finish === 'says goodbye later') await sleep(20);
        if (socket.writable) socket.write(GOODBYE);
      },
    };
  }

  async #settled({ report, due }: Draining): Promise<DrainReport | undefined> {
    const timer = new AbortController();
    const late = sleep(Math.max(due - performance.now(), 0), undefined, { signal: timer.signal }).catch(() => undefined);
    const settled = await Promise.race([report, late]);
    timer.abort();
    this.#expect(settled !== undefined, `it does not settle: ${this.#rig.drains.connections} connections are left`);
    return settled;
  }

  async #judge(reports: readonly DrainReport[]): Promise<void> {
    const { plan } = this;
    const { seen } = this.#rig;
    for (const one of seen) if (one.drain !== undefined) this.connections++;
    for (let i = 0; i < 50 && seen.some((one) => !isClosed(one)); i++) await turns(1);
    for (const one of seen) this.#expect(isClosed(one), `a connection of drain ${one.drain} is left open`);
    this.#expect(this.#rig.drains.connections === 0, `${this.#rig.drains.connections} connections are known`);
    for (let i = 0; i < 200 && this.stories.some(({ wire }) => wire.ended === undefined); i++) await turns(1);
    for (const [number, report] of reports.entries()) {
      const stories = this.stories.filter(({ wire }) => this.#rig.seenOf(wire.ports)?.drain === number);
      this.#judgeReport(report, seen.filter(({ drain }) => drain === number).length, stories);
    }
    for (const story of this.stories) {
      const one = this.#rig.seenOf(story.wire.ports);
      if (one === undefined) this.resets += story.wire.ended === 'ECONNRESET' ? 1 : 0;
      else if (plan.forced === undefined && one.drain !== undefined) this.#judgeStory(story, one);
      if (story instanceof Http1Story) this.crossed += story.crossed;
    }
  }

  #judgeReport(report: DrainReport, total: number, stories: readonly Story[]): void {
    const { plan } = this;
    const text = JSON.stringify(report);
    this.#expect(report.total === total, `${total} connections, and the report has ${text}`);
    this.#expect(sumOf(report) === report.total, `a sum that is wrong: ${text}`);
    this.#expect(Object.values(report.errors).reduce((sum, count) => sum + count, 0) === report.total - report.complete, `codes that do not add up: ${text}`);
    if (plan.forced !== undefined) return;
    const possible = stories.map((story) => mayBe(story, plan));
    const strays = total - stories.length; // reset before the server had them: they have no ports
    for (const outcome of ['complete', 'oneWay', 'failed', 'forced'] satisfies Outcome[]) {
      const least = possible.filter((one) => one.length === 1 && one[0] === outcome).length;
      const most = possible.filter((one) => one.includes(outcome)).length + strays;
      this.#expect(report[outcome] >= least && report[outcome] <= most, `${report[outcome]} ${outcome}, not ${least} to ${most}: ${text}`);
    }
  }

  #judgeStory(story: Story, seen: Seen): void {
    const { plan } = this;
    const { wire } = story;
    const add = (fault: Fault): void => void this.faults.push(`${wire.localPort}: ${fault}`);
    const says = plan.finish === 'says goodbye' || plan.finish === 'says goodbye later';
    story.faults(seen, says).forEach(add);
    if (wire.left !== undefined || story.unruly) return;
    if (wire.ended !== 'end') add(`ended by ${wire.ended}`);
    if (plan.version !== undefined && !plan.quiet && wire.habit === 'strict' && wire.received !== 'close_notify') add(`TLS ended by ${wire.received}`);
  }

  toString(): string {
    return [JSON.stringify(this.plan), ...this.faults.map((fault) => `WRONG ${fault}`), ...this.stories.map((story) => `  ${story}`)].join('\n');
  }
}

function isAlive({ raw, secure }: Seen): boolean {
  return !(secure ?? raw).destroyed;
}

function isClosed({ raw, secure }: Seen): boolean {
  return raw.closed && (secure?.closed ?? true);
}
