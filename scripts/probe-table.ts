/**
 * Makes the table of docs/probe.md: what `probe` says of servers that people run, each started with the configuration of test/interop/peers/probed. The interop
 * suite asserts it. With words only those servers whose names have one of them are asked, and their rows printed.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cleanUp } from '../test/interop/support/cleanup.js';
import { PROBED, rowOf } from '../test/interop/support/probed.js';
import { fromRoot } from '../test/interop/support/ends.js';

const words = process.argv.slice(2);
const chosen = PROBED.filter(({ name }) => words.length === 0 || words.some((word) => name.toLowerCase().includes(word.toLowerCase())));
const rows: string[] = [];
for (const probed of chosen) {
  const row = `| ${[probed.name, ...(await rowOf(probed, await probed.start()))].join(' | ')} |`;
  await cleanUp();
  console.log(row);
  rows.push(row);
}
if (words.length === 0) {
  const page = fromRoot('docs/probe.md');
  const heading = /(\| server \| options \|.*\n\|[-|]+\|\n)(?:\|.*\n)*/;
  const text = readFileSync(page, 'utf8');
  if (!heading.test(text)) throw new Error('docs/probe.md has no such table');
  writeFileSync(page, text.replace(heading, (_all, head: string) => `${head}${rows.join('\n')}\n`));
}
process.exit(); // an HTTP client of a server may linger
