/** Shutdowns in every way, by either side, in both versions: against Python, which tells what it saw, and between two of us. */
import { SIDES, VERSIONS, type Side, type Version } from '../../../test/support/pair.js';
import { WAYS, type ClosePlan, type CloseTold, type Way } from '../acts/closing.js';
import { compare } from '../bytes.js';
import { startPeer, type PeerTold } from '../peer.js';
import { counted, longestOf, shortCode, tooLate, type Row } from '../row.js';
import type { Ends, Scenario } from './scenario.js';

/** Milliseconds: long enough for any of the links. */
const TIMEOUT = 60_000;

interface Told {
  readonly ours: CloseTold;
  readonly wrong: string[];
}

/** The values that the calls of a way must have. */
const VALUES: Record<Way, RegExp> = { 'both steps': /^1$/, 'step by step': /^[01] 1$/, 'short calls': /^(-1 )*1$/, 'the peer first': /^1$/, quiet: /^1$/, 'a bare FIN back': /^-1$/, 'a bare FIN first': /^-1$/ };

/** What the peer must see of our end. Where it does not wait for that, it sees nothing. */
const ENDS: Record<Way, RegExp> = { ...always(/^close_notify$/), quiet: /^eof$/, 'a bare FIN first': /^open$/ };
const STATES: Record<Way, RegExp> = {
  ...always(/^close_notify, close_notify$/),
  quiet: /^quiet, (open|error)$/, // OpenSSL 3 answers a bare FIN by a fatal alert
  'a bare FIN back': /^close_notify, (fin|unverified)$/,
  'a bare FIN first': /, (fin|unverified)$/,
};

function always(pattern: RegExp): Record<Way, RegExp> {
  return Object.fromEntries(WAYS.map((way) => [way, pattern])) as Record<Way, RegExp>;
}

function judge(name: string, length: number, way: Way, ours: CloseTold, peer: PeerTold): string[] {
  const wrong = [...tooLate(name, ours.calls), ...compare(`${name}: we`, ours.got, `${name}, peer`, length), ...compare(`${name}: the peer`, peer.got, name, length)];
  const values = ours.calls.map(({ value }) => value).join(' ');
  if (!VALUES[way].test(values)) wrong.push(`${name}: the calls came to ${values}, ${shortCode(ours.calls.at(-1)!.code)}`);
  if (!ENDS[way].test(peer.end)) wrong.push(`${name}: the peer saw ${peer.end}`);
  const state = `${ours.state.sent}, ${ours.state.received}`;
  if (!STATES[way].test(state)) wrong.push(`${name}: the state is ${state}`);
  return wrong;
}

async function againstPython({ near, far }: Ends, version: Version, side: Side, way: Way, length: number): Promise<Told> {
  const name = `${side}, ${version}, ${way}`;
  const plan: ClosePlan = { version, way, name, length, timeout: TIMEOUT };
  const behaviour = ({ 'the peer first': 'first', 'a bare FIN back': 'cuts', 'a bare FIN first': 'cuts first' } as const)[way as string] ?? 'answers';
  const peerPlan = { version, behaviour, name: `${name}, peer`, length } as const;
  if (side === 'server') {
    const port = await far.ask('listenAndClose', plan);
    const peer = await startPeer({ ...peerPlan, port });
    const [ours, told] = await Promise.all([far.ask('closedAt', port), peer.told]);
    return { ours, wrong: judge(name, length, way, ours, told) };
  }
  const peer = await startPeer(peerPlan);
  const [ours, told] = await Promise.all([near.ask('connectAndClose', { ...plan, port: peer.port! }), peer.told]);
  return { ours, wrong: judge(name, length, way, ours, told) };
}

async function betweenUs({ near, far }: Ends, version: Version, length: number): Promise<Told[]> {
  const plan = (name: string): ClosePlan => ({ version, way: 'both steps', name, length, timeout: TIMEOUT });
  const names = [`two of us, ${version}, server`, `two of us, ${version}, client`] as const;
  const port = await far.ask('listenAndClose', plan(names[0]));
  const all = await Promise.all([far.ask('closedAt', port), near.ask('connectAndClose', { ...plan(names[1]), port })]);
  return all.map((ours, i) => {
    const [own, other] = i === 0 ? names : [names[1], names[0]];
    const { sent, received } = ours.state;
    const isClean = ours.calls[0]!.value === 1 && sent === 'close_notify' && received === 'close_notify';
    return { ours, wrong: [...tooLate(own, ours.calls), ...compare(own, ours.got, other, length), ...(isClean ? [] : [`${own}: ${JSON.stringify(ours)}`])] };
  });
}

export const closing: Scenario = async ({ weather: { name: link, length }, ...ends }) => {
  const rows: Row[] = [];
  const row = (what: string, all: readonly Told[]): void => {
    const calls = all.flatMap(({ ours }) => ours.calls);
    const told = counted(calls.map(({ value, code }) => `${value}${code === undefined ? '' : ` ${shortCode(code)}`}`));
    rows.push({ link, what, told, longest: longestOf(calls), wrong: all.flatMap(({ wrong }) => wrong) });
  };
  const byWay = await Promise.all(WAYS.map((way) => Promise.all(VERSIONS.flatMap((version) => SIDES.map((side) => againstPython(ends, version, side, way, length))))));
  for (const [i, all] of byWay.entries()) row(`shutdown: ${WAYS[i]}`, all);
  row('shutdown: both at once', (await Promise.all(VERSIONS.map((version) => betweenUs(ends, version, length)))).flat());
  return rows;
};
