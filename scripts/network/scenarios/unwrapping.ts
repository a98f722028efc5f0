/** Unwraps by either side, in both versions, and plaintext both ways behind them. */
import { SIDES, VERSIONS, type Side, type Version } from '../../../test/support/pair.js';
import type { UnwrapPlan, UnwrapTold } from '../acts/unwrapping.js';
import { compare } from '../bytes.js';
import { startPeer } from '../peer.js';
import { longestOf, tooLate } from '../row.js';
import type { Ends, Scenario } from './scenario.js';

const TIMEOUT = 60_000;

interface Told {
  readonly ours: UnwrapTold;
  readonly wrong: string[];
}

function judge(own: string, other: string, length: number, ours: UnwrapTold): string[] {
  const wrong = [...compare(`${own}, over TLS`, ours.overTls, `${other}, TLS`, length), ...compare(`${own}, in plaintext`, ours.inPlaintext, `${other}, plain`, length)];
  return [...wrong, ...tooLate(own, [{ ...ours, timeout: TIMEOUT }]), ...(ours.isSame ? [] : [`${own}: it is not the transport that was wrapped`])];
}

async function againstPython({ near, far }: Ends, version: Version, side: Side, length: number): Promise<Told> {
  const name = `${side}, ${version}`;
  const plan: UnwrapPlan = { version, name, length, timeout: TIMEOUT };
  const peerPlan = { version, behaviour: 'unwraps', name: `${name}, peer`, length } as const;
  const begin = async (): Promise<[UnwrapTold, Awaited<Awaited<ReturnType<typeof startPeer>>['told']>]> => {
    if (side === 'server') {
      const port = await far.ask('listenAndUnwrap', plan);
      const peer = await startPeer({ ...peerPlan, port });
      return await Promise.all([far.ask('unwrappedAt', port), peer.told]);
    }
    const peer = await startPeer(peerPlan);
    return await Promise.all([near.ask('connectAndUnwrap', { ...plan, port: peer.port! }), peer.told]);
  };
  const [ours, peer] = await begin();
  const wrong = [...judge(name, `${name}, peer`, length, ours), ...compare(`${name}, peer, over TLS`, peer.got, `${name}, TLS`, length), ...compare(`${name}, peer, in plaintext`, peer.plain!, `${name}, plain`, length)];
  if (peer.end !== 'close_notify') wrong.push(`${name}: the peer saw ${peer.end}`);
  return { ours, wrong };
}

async function betweenUs({ near, far }: Ends, version: Version, length: number): Promise<Told[]> {
  const plan = (name: string): UnwrapPlan => ({ version, name, length, timeout: TIMEOUT });
  const [server, client] = [`two of us, ${version}, server`, `two of us, ${version}, client`];
  const port = await far.ask('listenAndUnwrap', plan(server));
  const [atServer, atClient] = await Promise.all([far.ask('unwrappedAt', port), near.ask('connectAndUnwrap', { ...plan(client), port })]);
  return [{ ours: atServer, wrong: judge(server, client, length, atServer) }, { ours: atClient, wrong: judge(client, server, length, atClient) }];
}

export const unwrapping: Scenario = async ({ weather: { name: link, length }, ...ends }) => {
  const half = Math.ceil(length / 2); // it goes twice: over TLS, and behind it
  const python = VERSIONS.flatMap((version) => SIDES.map(async (side) => [await againstPython(ends, version, side, half)]));
  const all = (await Promise.all([...python, ...VERSIONS.map((version) => betweenUs(ends, version, half))])).flat();
  const longest = longestOf(all.map(({ ours }) => ({ ...ours, timeout: TIMEOUT })));
  return [{ link, what: 'unwrap, then plaintext', told: `${all.length} transports back`, longest, wrong: all.flatMap(({ wrong }) => wrong) }];
};
