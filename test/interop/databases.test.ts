/**
 * Real databases: what each does at our alert, with a goodbye in its own protocol before and without, and how a pool of its client is drained, by the
 * programs in examples/databases that docs/recipes.md shows.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { cleanUp } from './support/cleanup.js';
import { loginToMariaDB, loginToPostgres, loginToRedis, MARIADB_QUIT, POSTGRES_TERMINATE, REDIS_QUIT, type Login } from './support/database-clients.js';
import { startMariaDB, startPostgres, startRedis } from './support/databases.js';
import { BOTH_ALERTS, CERT_FILE, close, fromRoot, inWords, readToEnd, TRUNCATED, VERSIONS, type Outcome } from './support/ends.js';
import { requirePrograms, type Program } from './support/programs.js';

interface Database {
  readonly program: Program;
  readonly start: () => Promise<number>;
  readonly login: Login;
  readonly goodbye: Buffer;
  readonly atOurAlert: Outcome;
  /** What it says to that. */
  readonly answer: string;
  readonly behindGoodbye: Outcome;
  /** Each with what it prints in the end. */
  readonly examples: Readonly<Record<string, string>>;
}

const DATABASES: Readonly<Record<string, Database>> = {
  PostgreSQL: {
    program: 'postgres',
    start: startPostgres,
    login: loginToPostgres,
    goodbye: POSTGRES_TERMINATE,
    answer: '',
    atOurAlert: BOTH_ALERTS,
    behindGoodbye: BOTH_ALERTS,
    examples: { pg: 'the query in flight was answered; 2 connections, 2 complete' },
  },
  Redis: {
    program: 'redis-server',
    start: startRedis,
    login: loginToRedis,
    goodbye: REDIS_QUIT,
    answer: '+OK\r\n',
    atOurAlert: TRUNCATED,
    behindGoodbye: BOTH_ALERTS,
    examples: { ioredis: 'the job in flight was "mail"; 1 connection, 1 complete', redis: 'the job in flight was null; 1 connection, 1 complete' },
  },
  MariaDB: {
    program: 'mariadbd',
    start: startMariaDB,
    login: loginToMariaDB,
    goodbye: MARIADB_QUIT,
    answer: '',
    atOurAlert: TRUNCATED,
    behindGoodbye: TRUNCATED,
    examples: { mysql2: 'the query in flight was answered; 2 connections, 2 one way' },
  },
};

const run = promisify(execFile);

/** @returns what it prints, and what it complains about */
async function runExample(name: string, ports: Readonly<Record<string, number>>): Promise<string[]> {
  const env = { ...process.env, ...Object.fromEntries(Object.entries(ports).map(([key, port]) => [key, `${port}`])), CA_FILE: CERT_FILE };
  const { stdout, stderr } = await run(process.execPath, [fromRoot(`examples/databases/build/databases/${name}.js`)], { env, timeout: 20_000 });
  return [stdout.trim(), stderr.trim()];
}

describe('databases', () => {
  before(async () => {
    await run(process.execPath, [fromRoot('scripts/prepare-example.mjs'), 'databases']);
  });

  for (const [name, { program, start, login, goodbye, answer, atOurAlert, behindGoodbye, examples }] of Object.entries(DATABASES)) {
    describe(name, () => {
      let port = 0;

      before(async () => {
        requirePrograms(program);
        port = await start();
      });
      after(cleanUp);

      for (const version of VERSIONS) {
        it(`${inWords(atOurAlert)}: our alert comes while it waits for a query, ${version}`, async () => {
          const socket = await login(port, version);
          expect(await close(socket.resume(), { bidirectional: true })).to.deep.equal(atOurAlert);
        });

        it(`${inWords(behindGoodbye)}: it ends behind a goodbye in its own protocol, ${version}`, async () => {
          const socket = await login(port, version);
          socket.write(goodbye);
          expect(await readToEnd(socket)).to.equal(answer);
          expect(await close(socket, { bidirectional: true })).to.deep.equal(behindGoodbye);
        });
      }

      for (const [example, printed] of Object.entries(examples)) {
        it(`a pool is drained, and what is in flight is answered: examples/databases/${example}.ts`, async () => {
          expect(await runExample(example, { PORT: port })).to.deep.equal([printed, '']);
        });
      }
    });
  }

  describe('a server with PostgreSQL and Redis', () => {
    let ports = {};

    before(async () => {
      requirePrograms('postgres', 'redis-server');
      ports = { PG_PORT: await startPostgres(), REDIS_PORT: await startRedis() };
    });
    after(cleanUp);

    it('drains, then both pools, and the process ends: examples/databases/server.ts', async () => {
      expect(await runExample('server', ports)).to.deep.equal(['the request in work was answered; complete: 1 of 1, 1 of 1, 1 of 1', '']);
    });
  });
});
