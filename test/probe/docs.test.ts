/** docs/probe.md is true: its commands are taken, its tables are those of the program. (That its code runs is tested with the other pages.) */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ASKS } from '../../src/probe/ask.js';
import { parseProbe, parseServe } from '../../src/probe/cli/parse.js';
import { EXIT_STATUS } from '../../src/probe/cli/status.js';
import { EX_USAGE, PROBE_HELP, SERVE_HELP } from '../../src/probe/cli/usage.js';
import { KINDS } from '../../src/probe/serve/kinds.js';
import { PROTOCOLS } from '../../src/probe/starttls.js';
import type { End } from '../../src/probe/types.js';

const page = readFileSync('docs/probe.md', 'utf8');
const types = readFileSync('src/probe/types.ts', 'utf8');

function blocks(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, code = '']) => code);
}

function table(firstHeading: string): string[][] {
  const lines = page.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${firstHeading} |`));
  expect(start, firstHeading).to.be.greaterThan(-1);
  const rows = lines.slice(start + 2);
  return rows.slice(0, rows.findIndex((line) => !line.startsWith('|'))).map((row) => row.slice(1, -1).split(/(?<!\\)\|/).map((cell) => cell.trim()));
}

const code = (cell = ''): string[] => [...cell.matchAll(/`([^`]*)`/g)].map(([, text = '']) => text);

describe('docs/probe.md', () => {
  it('has commands that the program takes', () => {
    const commands = blocks('sh').flatMap((text) => text.trimEnd().split('\n'));
    expect(commands).to.have.length.greaterThan(7);
    for (const command of commands) {
      const [, name, rest = ''] = /^npx tls-graceful-shutdown (probe|serve) ?(.*)$/.exec(command) ?? [];
      const files: Readonly<Record<string, string>> = { 'ca.pem': 'fixtures/localhost.cert.pem', 'server.cert': 'fixtures/localhost.cert.pem', 'server.key': 'fixtures/localhost.key.pem' };
      const args = (rest.match(/'[^']*'|\S+/g) ?? []).map((word) => files[word] ?? word.replaceAll("'", ''));
      expect((name === 'probe' ? parseProbe : parseServe)(args).wanted, command).to.equal('run');
    }
  });

  it('names the questions and the ends that there are, and what the JSON has', () => {
    expect(table('question').map(([cell]) => code(cell)[0])).to.deep.equal(Object.keys(ASKS));
    const ends: Record<End, true> = { close_notify: true, fin: true, reset: true, alert: true, silence: true, unverified: true, error: true };
    expect(table('end').map(([cell]) => code(cell)[0])).to.deep.equal(Object.keys(ends));
    const fields = (name: string): string[] => [...(new RegExp(`interface ${name} \\{([^]*?)\\n\\}`).exec(types)?.[1] ?? '').matchAll(/^ {2}readonly (\w+)/gm)].map(([, field = '']) => field);
    const schema = fields('ProbeReport').flatMap((field) => (field === 'answers' ? ['answers', ...fields('ProbeAnswer').map((each) => `answers[].${each}`)] : [field]));
    const rows = table('field');
    expect(rows.map(([cell]) => code(cell)[0])).to.deep.equal(schema);
    const meaning = (field: string): string[] => code(rows.find(([cell]) => cell === `\`${field}\``)?.[2]);
    expect([meaning('answers[].question'), meaning('answers[].end'), meaning('verdict').sort()]).to.deep.equal([Object.keys(ASKS), Object.keys(ends), Object.keys(EXIT_STATUS).sort()]);
    const example = JSON.parse(blocks('json')[0]!) as { answers: object[] };
    expect([Object.keys(example), Object.keys(example.answers[0]!)]).to.deep.equal([fields('ProbeReport'), fields('ProbeAnswer')]);
  });

  it('has each option of the help, of the types, and no other', () => {
    const [probeRows, serveRows] = [page.indexOf('## The command'), page.indexOf('## serve')].map((at) => {
      const lines = page.slice(at).split('\n');
      const start = lines.findIndex((line) => line.startsWith('| option of the command |')) + 2;
      return lines.slice(start, start + lines.slice(start).findIndex((line) => !line.startsWith('|')));
    });
    for (const [rows, help, name] of [[probeRows!, PROBE_HELP, 'ProbeOptions'], [serveRows!, SERVE_HELP, 'ServeOptions']] as const) {
      const cells = rows.map((row) => row.slice(1, -1).split(/(?<!\\)\|/));
      const named = new Set(cells.flatMap(([cell]) => cell!.match(/--[a-z-]+/g) ?? []));
      const helped = new Set(help.slice(help.indexOf('\n\n')).split('\n').filter((line) => line.startsWith('  --')).flatMap((line) => line.slice(0, 25).match(/--[a-z-]+/g) ?? []));
      for (const option of ['--help', '--version']) helped.delete(option), named.delete(option);
      expect([...named].sort(), name).to.deep.equal([...helped].sort());
      const documented = cells.flatMap(([, cell]) => code(cell).map((text) => text.split(':')[0]!));
      const typed = [...(new RegExp(`interface ${name} \\{([^]*?)\\n\\}`).exec(types)?.[1] ?? '').matchAll(/^ {2}(\w+)\??:/gm)].map(([, field = '']) => field);
      expect(documented.sort(), name).to.deep.equal(typed.sort());
    }
    for (const protocol of Object.keys(PROTOCOLS)) expect(page).to.include(`\`${protocol}\``);
    expect(page).to.include(Object.values(PROTOCOLS).map(({ port }) => port).join(', '));
  });

  it('has captures of 80 columns, without colours where they are not wanted', () => {
    for (const name of ['probe-piped.txt', 'probe-no-color.txt']) {
      const text = readFileSync(join('docs/captures', name), 'utf8');
      expect(text).to.match(/^idle +fin +fin$/m).and.to.not.include('\x1b');
      for (const line of text.split('\n').slice(1)) expect([...line].length, line).to.be.at.most(80);
    }
    const [light, dark] = ['light', 'dark'].map((theme) => readFileSync(`docs/captures/probe-${theme}.svg`, 'utf8'));
    const words = (svg = ''): string => svg.replace(/<[^>]*>/g, '');
    expect(words(light)).to.equal(words(dark)).and.to.include('unclean');
    expect(light).to.not.equal(dark);
  });

  it('has the exit statuses, and the kinds of serve', () => {
    const said = Object.fromEntries(table('exit status').map(([status = '', verdict]) => [code(verdict)[0] ?? 'usage', Number(status)]));
    expect(said).to.deep.equal({ ...EXIT_STATUS, usage: EX_USAGE });
    expect(table('kind').map(([cell]) => code(cell)[0])).to.deep.equal(Object.keys(KINDS));
  });
});
