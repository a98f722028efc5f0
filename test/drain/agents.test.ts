/** Agents of every kind that extends `http.Agent`, as those of agentkeepalive, https-proxy-agent and hpagent do. */
import { expect } from 'chai';
import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { drainAgent } from '../../src/index.js';
import { application, Later, makeServer, outcome } from '../support/origins.js';
import { listen, track, turns } from '../support/pair.js';

type Connect = (options: net.NetConnectOpts) => Duplex;
type Create = (options: net.NetConnectOpts, callback?: (error: Error | null, socket: Duplex) => void) => Duplex | undefined;

const connectTls: Connect = (options) => tls.connect({ ...(options as tls.ConnectionOptions), rejectUnauthorized: false });

class Own extends http.Agent {
  override createConnection: Create = (options) => connectTls(options);
}

class Async extends http.Agent {
  override createConnection: Create = (options, callback) => {
    setImmediate(() => callback!(null, connectTls(options)));
    return undefined;
  };
}

/** What agent-base does: a socket that never connects stands in the list until the connection is made. */
class Placeholder extends http.Agent {
  #next: Duplex | undefined;
  override createConnection(): never {
    return this.#next as never;
  }
  createSocket(request: unknown, options: net.NetConnectOpts, callback: unknown): void {
    const name = this.getName(options as never);
    const lists = this.sockets as Record<string, net.Socket[]>;
    const placeholder = new net.Socket({ writable: false });
    (lists[name] ??= []).push(placeholder);
    setImmediate(() => {
      lists[name]!.splice(lists[name]!.indexOf(placeholder), 1);
      if (lists[name]!.length === 0) Reflect.deleteProperty(lists, name);
      this.#next = connectTls(options);
      (http.Agent.prototype as unknown as { createSocket(...args: unknown[]): void }).createSocket.call(this, request, options, callback);
    });
  }
}

const AGENTS: [title: string, isTls: boolean, make: (options: http.AgentOptions) => http.Agent][] = [
  ['an http.Agent', false, (options) => new http.Agent(options)],
  ['an https.Agent', true, (options) => new https.Agent({ ...options, rejectUnauthorized: false })],
  ['one that makes TLS connections', true, (options) => new Own(options)],
  ['one that makes them later', true, (options) => new Async(options)],
  ['one with placeholders', true, (options) => new Placeholder(options)],
];

for (const [title, isTls, make] of AGENTS) {
  describe(`drainAgent, ${title}`, () => {
    const rig = async (options: http.AgentOptions = {}) => {
      const later = new Later();
      const app = application(later);
      const server = isTls ? makeServer('https', app) : http.createServer(app);
      server.on(isTls ? 'secureConnection' : 'connection', (socket: net.Socket) => track(socket));
      const port = await listen(server);
      const agent = track(make({ keepAlive: true, ...options }));
      const send = async (path = '/'): Promise<string> => {
        // To an https.request an agent's protocol has to be its own.
        const request = http.get({ agent, port, host: '127.0.0.1', path, protocol: (agent as unknown as { protocol: string }).protocol });
        const [response] = (await once(request, 'response')) as [IncomingMessage];
        let text = '';
        for await (const chunk of response.setEncoding('latin1')) text += chunk;
        return text;
      };
      return { agent, later, send };
    };
    const left = ({ sockets, freeSockets }: http.Agent): unknown[] => [...Object.values(sockets), ...Object.values(freeSockets)].flat();

    it('closes idle sockets, and busy ones behind their answers, and leaves the agent as it was', async () => {
      const { agent, later, send } = await rig();
      await Promise.all([send(), send()]);
      await turns();
      const busy = send('/stream');
      await later.reaches(1);
      const drained = drainAgent(agent, { grace: 10_000 });
      await turns(5);
      later.run();
      expect(await busy).to.equal('the beginning, the end');
      expect(outcome(await drained)).to.deep.equal({ total: 2, complete: 2 });
      await turns(5);
      expect(left(agent)).to.deep.equal([]);
      expect((agent as unknown as { keepAlive: boolean }).keepAlive).to.equal(true);
      expect(agent.listenerCount('free')).to.equal(1);
    });

    it('serves the queue, with maxSockets 1, and a request that is made meanwhile', async () => {
      const { agent, later, send } = await rig({ maxSockets: 1 });
      const answers = [send('/stream'), send(), send('/last')];
      await later.reaches(1);
      const drained = drainAgent(agent, { grace: 10_000 });
      answers.push(send());
      later.run();
      await later.reaches(1);
      later.run();
      expect(await Promise.all(answers)).to.deep.equal(['the beginning, the end', 'the end', 'the end', 'the end']);
      const { total, complete, forced } = await drained;
      expect([total, forced]).to.deep.equal([complete, 0]);
      await turns(5);
      expect(left(agent)).to.deep.equal([]);
    });
  });
}
