import { expect } from 'chai';
import { once } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import https from 'node:https';
import tls, { type TLSSocket } from 'node:tls';
import { drainAgent, getShutdown } from '../../src/index.js';
import { application, COMPLETE, Later, makeServer, outcome } from '../support/origins.js';
import { certificate, listen, track, turns } from '../support/pair.js';

const PROTECTED = ['keepAlive'] as const;

interface Rig {
  readonly agent: https.Agent;
  readonly later: Later;
  /** How many connections the server has seen. */
  connections(): number;
  send(path?: string): Promise<string>;
  request(path: string): ClientRequest;
}

async function rig(options: https.AgentOptions = {}): Promise<Rig> {
  const later = new Later();
  const server = makeServer('https', application(later));
  let connections = 0;
  server.on('secureConnection', (socket) => (connections++, track(socket)));
  const port = await listen(server);
  const agent = track(new https.Agent({ keepAlive: true, rejectUnauthorized: false, ...options }));
  const request = (path: string): ClientRequest => https.get({ agent, port, host: '127.0.0.1', path });
  const send = async (path = '/'): Promise<string> => {
    const [response] = (await once(request(path), 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of response.setEncoding('latin1')) text += chunk;
    return text;
  };
  return { agent, later, send, request, connections: () => connections };
}

function socketsOf({ sockets, freeSockets }: https.Agent): TLSSocket[] {
  return [...Object.values(sockets), ...Object.values(freeSockets)].flatMap((list) => list as TLSSocket[]);
}

function expectAsBefore(agent: https.Agent): void {
  expect(socketsOf(agent)).to.deep.equal([]);
  expect(agent.requests).to.deep.equal({});
  for (const name of PROTECTED) expect((agent as unknown as Record<string, unknown>)[name], name).to.equal(true);
  expect(agent.listenerCount('free')).to.equal(1);
}

describe('drainAgent', () => {
  it('closes an idle socket both ways', async () => {
    const { agent, send } = await rig();
    await send();
    await turns();
    const [socket] = socketsOf(agent);
    expect(outcome(await drainAgent(agent))).to.deep.equal(COMPLETE);
    expect(getShutdown(socket!)).to.deep.equal({ sent: 'close_notify', received: 'close_notify' });
    await turns();
    expectAsBefore(agent);
  });

  it('waits for an answer, and then closes its socket both ways', async () => {
    const { agent, later, send } = await rig();
    const answered = send('/stream');
    await later.reaches(1);
    const [socket] = socketsOf(agent);
    const drained = drainAgent(agent);
    await turns(5);
    expect(getShutdown(socket!).sent).to.equal('open');
    later.run();
    expect(await answered).to.equal('the beginning, the end');
    expect(outcome(await drained)).to.deep.equal(COMPLETE);
    await turns();
    expectAsBefore(agent);
  });

  it('joins a drain that is under way, and leaves the agent as it was after both', async () => {
    const { agent, later, send } = await rig();
    const answered = send('/stream');
    await later.reaches(1);
    const first = drainAgent(agent);
    const second = drainAgent(agent);
    later.run();
    await answered;
    expect(outcome(await second)).to.deep.equal(COMPLETE);
    expect(await first).to.equal(await second);
    await turns();
    expectAsBefore(agent);
  });

  it('closes the others when a listener of the application throws, which is an uncaught exception', async () => {
    const { agent, send } = await rig();
    await Promise.all([send(), send(), send()]);
    await turns();
    const listeners = process.listeners('uncaughtException');
    for (const listener of listeners) process.off('uncaughtException', listener); // mocha's, which would fail the test
    const thrown = new Promise((resolve) => process.once('uncaughtException', resolve));
    const reason = new Error('mine');
    socketsOf(agent)[0]!.on('agentRemove', () => {
      throw reason;
    });
    try {
      const report = await drainAgent(agent, { grace: 10_000 });
      expect(await thrown).to.equal(reason);
      expect(report.complete).to.equal(3);
    } finally {
      for (const listener of listeners) process.on('uncaughtException', listener);
    }
  });

  it('serves the whole queue by the busy socket, with maxSockets 1', async () => {
    const { agent, later, send, connections } = await rig({ maxSockets: 1 });
    const answers = [send('/stream'), send(), send('/big'), send()];
    await later.reaches(1);
    const drained = drainAgent(agent);
    later.run();
    expect((await Promise.all(answers)).map(({ length }) => length)).to.deep.equal([22, 7, 12_000_000, 7]);
    expect(outcome(await drained)).to.deep.equal(COMPLETE);
    expect(connections()).to.equal(1);
    await turns();
    expectAsBefore(agent);
  });

  it('serves a request that is made in the same turn as the drain', async () => {
    const { agent, send } = await rig();
    await send();
    await turns();
    const drained = drainAgent(agent);
    expect(await send()).to.equal('the end');
    expect((await drained).complete).to.be.greaterThan(0);
    await turns();
    expectAsBefore(agent);
  });

  it('waits for the alert of the server when a request of the same turn takes an idle socket', async () => {
    const server = tls.createServer({ ...certificate, allowHalfOpen: true }, (peer) => {
      track(peer).on('data', () => void peer.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
      peer.on('end', () => setImmediate(() => peer.end()));
    });
    const port = await listen(server);
    const agent = track(new https.Agent({ keepAlive: true, rejectUnauthorized: false }));
    const send = async (): Promise<void> => {
      const [response] = (await once(https.get({ agent, port, host: '127.0.0.1' }), 'response')) as [IncomingMessage];
      await once(response.resume(), 'end');
    };
    await send();
    await turns();
    const drained = drainAgent(agent);
    await send();
    expect(outcome(await drained)).to.deep.equal(COMPLETE);
    await turns();
    expectAsBefore(agent);
  });

  for (const [what, keepAlive, path] of [
    ['whose answer says Connection: close', true, '/last'],
    ['of an agent that keeps none', false, '/later'],
  ] as const) {
    it(`closes both ways the socket of a request under way ${what}`, async () => {
      const { agent, later, send } = await rig({ keepAlive });
      const answered = send(path);
      await later.reaches(1);
      const [socket] = socketsOf(agent);
      const drained = drainAgent(agent);
      later.run();
      expect(await answered).to.equal('the end');
      expect(outcome(await drained)).to.deep.equal(COMPLETE);
      expect(getShutdown(socket!)).to.deep.equal({ sent: 'close_notify', received: 'close_notify' });
      await turns();
      expect(socketsOf(agent)).to.deep.equal([]);
    });
  }

  it('serves a request that is made during the drain by a connection that is not kept, and keeps one made after it', async () => {
    const { agent, later, send, connections } = await rig();
    const first = send('/stream');
    await later.reaches(1);
    const drained = drainAgent(agent);
    expect(await send()).to.equal('the end');
    await turns(5);
    expect(Object.keys(agent.freeSockets)).to.deep.equal([]);
    later.run();
    expect(await first).to.equal('the beginning, the end');
    expect(outcome(await drained)).to.deep.equal(COMPLETE);
    await turns(5);
    expectAsBefore(agent);
    await send();
    await turns();
    const before = connections();
    await send();
    expect(connections()).to.equal(before);
    await turns();
    await drainAgent(agent);
  });

  it('fails the requests of the queue at the end of grace with an error that says so', async () => {
    const { agent, later, request } = await rig({ maxSockets: 1 });
    const errors: Record<string, NodeJS.ErrnoException> = {};
    const failing = ['/later', '/second', '/third'].map(async (path) => {
      errors[path] = ((await once(request(path), 'error')) as [NodeJS.ErrnoException])[0];
    });
    await later.reaches(1);
    const report = await drainAgent(agent, { grace: 30 });
    await Promise.all(failing);
    expect(outcome(report)).to.deep.equal({ total: 1, forced: 1, CLOSED: 1 });
    for (const path of ['/second', '/third']) expect(errors[path]).to.include({ code: 'ECONNRESET', message: 'The agent was drained before this request got a connection' });
    expect(errors['/later']?.code).to.equal('ECONNRESET');
    await turns();
    expectAsBefore(agent);
  });

  it('forces all at once when force is aborted', async () => {
    const { agent, later, request } = await rig({ maxSockets: 1 });
    const failing = ['/later', '/second'].map((path) => once(request(path), 'error'));
    await later.reaches(1);
    const force = new AbortController();
    const drained = drainAgent(agent, { grace: Infinity, force: force.signal });
    await turns();
    force.abort();
    expect(outcome(await drained)).to.deep.equal({ total: 1, forced: 1, CLOSED: 1 });
    await Promise.all(failing);
    expectAsBefore(agent);
  });

  it('drains a plain object with the three lists of an http.Agent', async () => {
    const { agent, send } = await rig();
    await send();
    await turns();
    const { sockets, freeSockets, requests } = agent;
    expect(outcome(await drainAgent({ sockets, freeSockets, requests } as never))).to.deep.equal(COMPLETE);
    await turns();
    expectAsBefore(agent);
  });

  it('has nothing to do for an agent without sockets', async () => {
    const agent = new https.Agent({ keepAlive: true });
    expect(outcome(await drainAgent(agent))).to.deep.equal({ total: 0 });
    expectAsBefore(agent);
  });

  for (const value of [undefined, null, {}, tls.createServer()]) {
    it(`rejects with ERR_INVALID_ARG_TYPE for ${value?.constructor.name ?? value}`, async () => {
      const error = await drainAgent(value as never).catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(TypeError).with.property('code', 'ERR_INVALID_ARG_TYPE');
    });
  }
});

