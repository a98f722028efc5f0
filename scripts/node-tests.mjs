// Runs the TLS, HTTPS and HTTP/2 tests of Node's own suite: first as they are, then those that pass with every TLS socket watched, and with every TLS server drainable.
//
//   git clone https://github.com/denoland/node_test    (a copy of Node's tests; its commits name the version of Node that they are of)
//   node scripts/node-tests.mjs node_test [--node PATH] [--filter TEXT] [--way early|documented|drainable] [--repeat COUNT] [--jobs COUNT] [--limit SECONDS] [--options TEXT]
//
// `dist/` must be built. Tests are those of the folders below that are named after TLS, HTTPS or HTTP/2 or that import one of them. scripts/node-tests/
// has how sockets get watched (preload.cjs) and which tests can't be judged (unjudged.mjs). Without --way it is done in all ways. --repeat runs each
// test so often, also plain, and tells how often it failed. --options are Node's, for every run, also plain: tests of Node 25 on Node 26 want
// --options=--no-experimental-webstorage, or a warning of Node's fails them. Don't rebuild `dist/` meanwhile. Exits with 1 if a test that passes plain fails when it is watched.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { unjudged } from './node-tests/unjudged.mjs';

const FOLDERS = ['parallel', 'client-proxy', 'async-hooks', 'sequential', 'pummel'];
/** Their tests must not run beside others. */
const ALONE = ['sequential', 'pummel'];
const NAMED = /^test-(?:tls|https|http2|double-tls)/;
const IMPORTS = /['"](?:node:)?(?:tls|https|http2|_tls_\w+)['"]/;
/** A failed test is run again so often: is it broken or flaky? */
const MORE_TRIES = 2;
const LINES = 12;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    node: { type: 'string', default: process.execPath },
    filter: { type: 'string', default: '' },
    way: { type: 'string', multiple: true, default: ['early', 'documented', 'drainable'] },
    repeat: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '2' },
    options: { type: 'string', default: '' },
    limit: { type: 'string', default: '60' },
  },
});
if (positionals.length !== 1 || !existsSync(join(positionals[0], 'test', 'common'))) throw new Error('usage: node scripts/node-tests.mjs FOLDER, the one that has test/common');
const root = resolve(positionals[0]);
const repeat = Number(values.repeat);
const logs = mkdtempSync(join(tmpdir(), 'node-tests-'));

function testsOf(folder) {
  const path = join(root, 'test', folder);
  if (!existsSync(path)) return [];
  const files = readdirSync(path).filter((file) => /^test-.*\.m?js$/.test(file) && `${folder}/${file}`.includes(values.filter));
  return files
    .map((file) => ({ folder, file, name: file.replace(/\.m?js$/, ''), source: readFileSync(join(path, file), 'utf8') }))
    .filter(({ file, source }) => NAMED.test(file) || IMPORTS.test(source));
}

/** The words of a line `// Flags: ...` or `// Env: ...`. */
const words = (source, title) => (new RegExp(`^// ${title}:\\s+(.*)$`, 'm').exec(source)?.[1] ?? '').split(/\s+/).filter(Boolean);

/** What would change a test: an environment of Node, or a proxy. */
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(NODE_|SSL_|FORCE_COLOR|NO_COLOR)|_proxy$/i.test(name)));

/** `way`: undefined for plain. */
function run(test, slot, way, log) {
  const env = { ...environment, TEST_THREAD_ID: String(slot), ...Object.fromEntries(words(test.source, 'Env').map((word) => word.split('='))) };
  const options = values.options === '' ? [] : [values.options];
  if (way !== undefined) {
    options.push(`--require=${JSON.stringify(join(import.meta.dirname, 'node-tests', 'preload.cjs'))}`); // in quotes, as it may have spaces
    env.NODE_TESTS_WAY = way;
    if (log !== undefined) env.NODE_TESTS_LOG = log;
  }
  if (options.length > 0) env.NODE_OPTIONS = options.join(' '); // reaches the children and workers of a test, too
  return new Promise((done) => {
    const flags = words(test.source, 'Flags').filter((word) => word.startsWith('-'));
    const child = spawn(values.node, [...flags, join(root, 'test', test.folder, test.file)], { cwd: root, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let outOfTime = false;
    const killAll = () => {
      try {
        process.kill(-child.pid, 'SIGKILL'); // its children, too
      } catch (error) {
        if (error.code !== 'ESRCH') throw error;
      }
    };
    const timer = setTimeout(() => {
      outOfTime = true;
      killAll();
    }, Number(values.limit) * 1000);
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output = (output + text).slice(-20_000)));
    child.on('exit', killAll); // what it has left behind
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const end = outOfTime ? `no end within ${values.limit} s` : signal ?? `exit ${code}`;
      done({ passed: code === 0 && !outOfTime, skipped: /^1\.\.0 # Skipped/m.test(output), end, output });
    });
  });
}

/** As often as it takes: the first that passes, or the last. With --repeat all of them. */
async function tries(test, slot, way, log) {
  const result = { runs: 0, failures: 0, failure: undefined, passed: false, skipped: false };
  while (result.runs < repeat || (repeat === 1 && !result.passed && result.runs <= MORE_TRIES)) {
    const { passed, skipped, end, output } = await run(test, slot, way, log);
    result.runs++;
    result.passed ||= passed;
    result.skipped ||= skipped;
    if (!passed) {
      result.failures++;
      result.failure = `${end}\n${output.trimEnd().split('\n').slice(-LINES).join('\n')}`;
    }
  }
  return result;
}

const results = [];

async function judge(test, slot) {
  const result = { ...test, plain: await tries(test, slot), ways: {} };
  results.push(result);
  if (!result.plain.passed || result.plain.skipped || test.name in unjudged) return;
  for (const way of values.way) {
    const log = join(logs, `${test.name}.${way}`);
    const watched = (result.ways[way] = await tries(test, slot, way, log));
    watched.targets = existsSync(log) ? readFileSync(log).length : 0;
    if (watched.failures === 0) continue;
    if (!watched.passed) watched.control = (await tries(test, slot, 'control')).passed;
    console.log(`${watched.passed ? 'flaky ' : 'FAIL  '} ${way} ${test.folder}/${test.file}: ${watched.failures} of ${watched.runs}`);
  }
}

async function judgeAll(tests, jobs) {
  const left = [...tests];
  await Promise.all(Array.from({ length: jobs }, async (_, slot) => {
    for (let test = left.shift(); test !== undefined; test = left.shift()) await judge(test, slot);
  }));
}

const tests = FOLDERS.flatMap(testsOf);
await judgeAll(tests.filter(({ folder }) => !ALONE.includes(folder)), Number(values.jobs));
await judgeAll(tests.filter(({ folder }) => ALONE.includes(folder)), 1);
rmSync(logs, { recursive: true });

const title = (test) => `${test.folder}/${test.file}`;
const indent = (text) => text.replace(/^/gm, '      ');
const plain = results.filter((test) => test.plain.passed && !test.plain.skipped);
const candidates = plain.filter(({ name }) => !(name in unjudged));
const version = await new Promise((done) => spawn(values.node, ['--version']).stdout.setEncoding('utf8').on('data', (text) => done(text.trim())));
let failed = 0;

console.log(`\nNode ${version}: ${results.length} tests. Plain: ${plain.length} pass, ${results.filter((test) => !test.plain.passed).length} fail, ${results.filter((test) => test.plain.skipped).length} skip themselves.`);
for (const test of results) {
  if (!test.plain.passed) console.log(`  fails plain: ${title(test)}: ${test.plain.failure.split('\n')[0]}`);
  else if (test.plain.failures > 0) console.log(`  flaky plain: ${title(test)}: ${test.plain.failures} of ${test.plain.runs}`);
}
for (const { name, folder, file } of plain) if (name in unjudged) console.log(`  not judged: ${folder}/${file}: ${unjudged[name]}`);
for (const way of values.way) {
  const of = (test) => test.ways[way];
  const broken = candidates.filter((test) => !of(test).passed);
  const flaky = candidates.filter((test) => of(test).passed && of(test).failures > 0);
  const watching = candidates.filter((test) => of(test).targets > 0);
  failed += broken.length;
  console.log(`${way === 'drainable' ? 'Drainable' : `Watched (${way})`}: ${candidates.length - broken.length} of ${candidates.length} pass; ${watching.length} of them made something to watch, ${watching.reduce((sum, test) => sum + of(test).targets, 0)} in all.`);
  for (const test of flaky) console.log(`  flaky: ${title(test)}: ${of(test).failures} of ${of(test).runs} (plain ${test.plain.failures} of ${test.plain.runs})\n${indent(of(test).failure)}`);
  for (const test of broken) console.log(`  FAIL: ${title(test)}${of(test).control ? '' : ' (also with a preload that watches nothing)'}\n${indent(of(test).failure)}`);
}
process.exitCode = failed === 0 && candidates.length > 0 ? 0 : 1;
