/**
 * Makes the captures of docs/captures: the same probe on a terminal, light and dark, on a terminal with NO_COLOR, and piped. The terminal is that of the program
 * `script`. The server is an `https.Server` of Node, with an idle connection.
 */
import { execFile, type ExecFileException } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

const fromRoot = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const identity = { key: readFileSync(fromRoot('fixtures/localhost.key.pem')), cert: readFileSync(fromRoot('fixtures/localhost.cert.pem')) };
const server = https.createServer({ ...identity, keepAliveTimeout: 500 }, (_request, response) => response.end('hello\n'));
server.listen(8443, '127.0.0.1');
await once(server, 'listening');

const COMMAND = ['probe', `localhost:${(server.address() as AddressInfo).port}`, '--ca', fromRoot('fixtures/localhost.cert.pem'), '--idle', '5'];
const SHOWN = '$ npx tls-graceful-shutdown probe localhost:8443 --ca ca.pem --idle 5';
const { NO_COLOR, FORCE_COLOR, ...environment } = process.env;

function run(program: string, args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<string> {
  return new Promise((resolve) => {
    execFile(program, args, { env: { ...environment, TERM: 'xterm', ...more } }, (_error: ExecFileException | null, stdout) => resolve(stdout));
  });
}

/** What a terminal shows in the end: the line of the progress is written over. */
function shown(text: string): string {
  return text.split(/\r?\n/).map((line) => line.split('\r\x1b[K').at(-1)).join('\n');
}

const program = fromRoot('dist/cli.cjs');
const inTerminal = async (more?: NodeJS.ProcessEnv): Promise<string> =>
  shown(await run('script', ['-qec', [process.execPath, program, ...COMMAND].map((word) => `'${word}'`).join(' '), '/dev/null'], more));

interface Theme {
  readonly background: string;
  readonly text: string;
  /** By the numbers of the escape sequences. */
  readonly colours: Readonly<Record<string, string>>;
}

const LIGHT: Theme = { background: '#ffffff', text: '#1f2328', colours: { 31: '#cf222e', 32: '#1a7f37', 33: '#9a6700', 2: '#6e7781' } };
const DARK: Theme = { background: '#0d1117', text: '#e6edf3', colours: { 31: '#ff7b72', 32: '#3fb950', 33: '#d29922', 2: '#8b949e' } };
const WIDTH = 8;
const HEIGHT = 17;
const COLUMNS = 80;

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Each piece stands where its column is, whatever the font: `textLength` keeps it to that. */
function svg(text: string, { background, text: foreground, colours }: Theme): string {
  const lines = text.trimEnd().split('\n');
  const rows = lines.map((line, row) => {
    let column = 0;
    let style = '';
    return line
      .split(/(\x1b\[\d+m)/)
      .map((piece) => {
        const [, code] = /^\x1b\[(\d+)m$/.exec(piece) ?? [];
        if (code !== undefined) return void (style = code === '0' ? '' : code === '1' ? ' font-weight="bold"' : ` fill="${colours[code]}"`);
        if (piece === '') return '';
        const length = [...piece].length;
        const place = `x="${(column + 1) * WIDTH}" y="${(row + 1.5) * HEIGHT}" textLength="${length * WIDTH}"`;
        column += length;
        return `<text ${place}${style}>${escape(piece)}</text>`;
      })
      .join('');
  });
  const size = `width="${(COLUMNS + 2) * WIDTH}" height="${(lines.length + 1) * HEIGHT}"`;
  const font = `font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="13" xml:space="preserve" fill="${foreground}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size}><rect width="100%" height="100%" fill="${background}"/><g ${font}>\n${rows.filter((row) => row !== '').join('\n')}\n</g></svg>\n`;
}

const folder = fromRoot('docs/captures');
mkdirSync(folder, { recursive: true });
const write = (name: string, text: string): void => writeFileSync(`${folder}/${name}`, text);
const coloured = `${SHOWN}\n\n${await inTerminal()}`;
write('probe-light.svg', svg(coloured, LIGHT));
write('probe-dark.svg', svg(coloured, DARK));
write('probe-no-color.txt', `${SHOWN.replace('npx', 'NO_COLOR=1 npx')}\n\n${(await inTerminal({ NO_COLOR: '1' })).trimEnd()}\n`);
write('probe-piped.txt', `${SHOWN} | cat\n\n${await run(process.execPath, [program, ...COMMAND])}`);
server.close();
server.closeAllConnections();
