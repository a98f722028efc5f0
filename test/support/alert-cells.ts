/** One cell of the table of alerts: which alert, when, what stands behind it; what it came to; and what it may have come to. */
import type { TLSSocket } from 'node:tls';
import { getShutdown, gracefulShutdown, unwrap, watch, type ReceivedState } from '../../src/index.js';
import { FORGED, type Forged } from './forged.js';
import { turns, type Side, type Version } from './pair.js';
import { chance } from './random.js';
import { SUITES } from './suites.js';

/** Of our own alert. `straddling`: the first bytes before it, the rest after it. */
export const WHEN = ['before', 'after', 'at once', 'straddling'] as const;
/** `as much`: as many bytes as came before our alert, so that what comes after it is as long as one record. `as long`: as many as the alert's record has. */
export const BEHIND = ['nothing', 'a FIN', 'a byte', 'as much', 'as long', '24 bytes', '31 bytes', '48 bytes', 'data', 'close_notify'] as const;
/** How we close. `late`: nobody reads before the alert is there. `unwatched`: nobody watches before the call. */
export const CALLS = ['both steps', 'two calls', 'late', 'unwatched', 'unwrap'] as const;

export interface Cell {
  readonly kind: string;
  readonly version: Version;
  /** A name of `SUITES`; none for what is common. */
  readonly suite?: string;
  readonly side: Side;
  readonly level: number;
  readonly description: number;
  readonly when: (typeof WHEN)[number];
  readonly behind: (typeof BEHIND)[number];
  readonly call: (typeof CALLS)[number];
  /** What is behind comes in one piece with the alert. */
  readonly glued: boolean;
  /** A record of data comes in one piece with the alert, before it. */
  readonly data: boolean;
  /** How many bytes of the alert's record come before ours, where it straddles it. */
  readonly first: number;
  /** Of the alert's record; TLS 1.3 only. */
  readonly padding: number;
  /** The peer has changed its keys right before; TLS 1.3 only. */
  readonly update: boolean;
}

const [major = 0, minor = 0] = process.versions.openssl.split('.').map(Number);
const HIDES_AFTER_USER_CANCELED = major > 3 || (major === 3 && minor >= 2);
const [CLOSE_NOTIFY, USER_CANCELED, NO_RENEGOTIATION] = [0, 90, 100];

/** RFC 8446 section 6, RFC 5246 section 7.2: the level counts in TLS 1.2 only, where no_renegotiation ends OpenSSL's connection, too. */
export function meaning({ version, level, description }: Pick<Cell, 'version' | 'level' | 'description'>): 'close_notify' | 'fatal' | 'warning' {
  if (version === 'TLSv1.3') return description === CLOSE_NOTIFY ? 'close_notify' : description === USER_CANCELED ? 'warning' : 'fatal';
  if (level !== 1 || description === NO_RENEGOTIATION) return 'fatal';
  return description === CLOSE_NOTIFY ? 'close_notify' : 'warning';
}

/** `clean`: the peer's close_notify is the first that ends it. `hidden`: so it is, but OpenSSL does not show it. */
export function truth(cell: Pick<Cell, 'version' | 'level' | 'description' | 'behind'>): 'clean' | 'hidden' | 'not clean' {
  const first = meaning(cell);
  if (first === 'close_notify') return 'clean';
  if (first === 'fatal' || cell.behind !== 'close_notify') return 'not clean';
  return cell.version === 'TLSv1.3' && HIDES_AFTER_USER_CANCELED ? 'hidden' : 'clean';
}

export interface Outcome {
  readonly value: number;
  readonly received: ReceivedState;
  /** What `getShutdown` said at each event of the socket. */
  readonly seen: readonly string[];
}

/** Where no close_notify will be seen, nothing may come at all. */
const SHORT = 50;

/** `first` gets our socket before anybody watches it. */
export async function run(cell: Cell, first: (socket: TLSSocket) => void = () => {}): Promise<Outcome> {
  const { call, kind, version, side, suite } = cell;
  const early = (socket: TLSSocket): void => {
    first(socket);
    if (call !== 'unwatched') watch(socket);
  };
  const forged = await FORGED[kind]!(version, side, early, suite === undefined ? undefined : SUITES[suite]);
  const seen: string[] = [];
  try {
    return { ...(await close(cell, forged, seen)), seen };
  } finally {
    forged.destroy();
  }
}

async function close(cell: Cell, forged: Forged, seen: string[]): Promise<Omit<Outcome, 'seen'>> {
  const { ours, forger } = forged;
  const { when, call } = cell;
  const timeout = truth(cell) === 'clean' ? 5000 : SHORT;
  for (const event of ['end', 'error', 'close']) ours.on(event, () => seen.push(`${event}: ${getShutdown(ours).received}`));
  const read = (): void => void ours.on('data', () => forged.onData());
  if (call !== 'late') read();
  const pieces = piecesOf(cell, forged);
  if (when === 'straddling') forged.deliver(pieces.shift()!);
  if (when === 'before') deliver(cell, forged, pieces);
  if (when !== 'after' && when !== 'at once') await turns(4);
  if (call === 'late') read();
  if (call === 'late') await turns(2);
  const answer = ask(call, ours, timeout);
  if (when === 'at once') deliver(cell, forged, pieces);
  if (when === 'after' || when === 'straddling') {
    await Promise.race([forger.untilOurAlert(), answer]);
    deliver(cell, forged, pieces);
  }
  const value = await answer;
  const { received } = getShutdown(ours);
  if (value === 1 || received === 'close_notify') return { value, received };
  if (forged.transport && call === 'unwrap' && !forged.transport.destroyed) seen.push('the transport lives');
  const later = await afterMore(forged);
  return { value: Math.max(value, call === 'unwrap' ? -1 : later), received: getShutdown(ours).received };
}

/** Whoever is on the path has more bytes, and time. What a call says then. */
export async function afterMore(forged: Forged): Promise<number> {
  if (!forged.forger.line.writableEnded) forged.deliver(Buffer.from([0x17]));
  forged.fin();
  await turns(4);
  return gracefulShutdown(forged.ours, { bidirectional: true, timeout: 0 });
}

async function ask(call: Cell['call'], socket: TLSSocket, timeout: number): Promise<number> {
  if (call === 'unwrap') {
    return unwrap(socket, { timeout }).then(
      () => 1,
      () => -1,
    );
  }
  const first = call === 'two calls' ? await gracefulShutdown(socket, { timeout }) : 0;
  return first === 0 ? gracefulShutdown(socket, { bidirectional: true, timeout }) : first;
}

/** A header that promises so much, and anything behind it. */
function broken(length: number): Buffer {
  const bytes = chance(length).bytes(length);
  bytes.set([0x17, 3, 3, 0, length - 5]);
  return bytes;
}

function piecesOf({ version, level, description, behind, when, glued, data, first, padding, update }: Cell, { forger }: Forged): Buffer[] {
  const before = Buffer.concat([...(data ? [forger.sealData('data')] : []), ...(update && version === 'TLSv1.3' ? [forger.sealKeyUpdate()] : [])]);
  const alert = forger.sealAlert(level, description, padding);
  const after = ((): Buffer[] => {
    if (behind === 'nothing' || behind === 'a FIN') return [];
    if (behind === 'a byte') return [Buffer.from([0x17])];
    if (behind === 'as much') return [Buffer.alloc(first, 0x17)];
    if (behind === 'as long') return [broken(alert.length)];
    if (behind === 'data') return [forger.sealData('more')];
    if (behind === 'close_notify') return [forger.sealAlert(1, 0)];
    return [broken(Number.parseInt(behind))];
  })();
  const pieces = when === 'straddling' ? [Buffer.concat([before, alert.subarray(0, first)]), alert.subarray(first)] : [Buffer.concat([before, alert])];
  if (!glued) return [...pieces, ...after];
  return [...pieces.slice(0, -1), Buffer.concat([pieces.at(-1)!, ...after])];
}

function deliver({ behind }: Cell, forged: Forged, pieces: Buffer[]): void {
  forged.deliver(...pieces);
  if (behind === 'a FIN') forged.fin();
}

/** What is wrong with this outcome, if anything is. */
export function complaint(cell: Cell, { value, received, seen }: Outcome): string | undefined {
  const real = truth(cell);
  const saysClean = value === 1 || received === 'close_notify' || seen.some((each) => each.endsWith('close_notify'));
  const canNotBeTold = cell.call === 'unwatched' && cell.when === 'before' && received === 'unverified';
  const wrong = {
    clean: (value !== 1 || received !== 'close_notify') && !canNotBeTold,
    hidden: saysClean || received === 'fin',
    'not clean': saysClean || seen.includes('the transport lives'),
  }[real];
  const words = Object.entries(cell).map(([name, what]) => `${name} ${what}`);
  return wrong ? `${real} but ${value}, ${received} (${seen.join(', ')}): ${words.join(', ')}` : undefined;
}

/** One line for each cell of which `complain` has something to say. Some at a time, since some wait for a time-out. */
export async function complaintsOf<T>(cells: readonly T[], complain: (cell: T) => Promise<string | undefined>): Promise<string> {
  const list: string[] = [];
  const next = cells.values();
  const worker = async (): Promise<void> => {
    for (const cell of next) {
      const wrong = await complain(cell);
      if (wrong !== undefined) list.push(wrong);
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  return summary(list, cells.length);
}

/** Empty if nothing is wrong; else how many are, and the first of them. */
export function summary(wrong: readonly string[], of: number): string {
  return wrong.length === 0 ? '' : [`${wrong.length} of ${of} are wrong`, ...[...wrong].sort().slice(0, 20)].join('\n');
}

export function complaints(cells: readonly Cell[]): Promise<string> {
  return complaintsOf(cells, async (cell) => complaint(cell, await run(cell)));
}
