/** Which server closes in which way. */
import { KINDS } from '../serve/kinds.js';
import { hostAndPort } from '../target.js';
import type { Serving } from '../types.js';
import { wrapped } from './ladder.js';

export function servingText({ host, servers }: Serving, isOwn: boolean): string {
  const rows = servers.map(({ close, port }) => `  ${close.padEnd(10)} ${`https://${hostAndPort(host, port)}/`.padEnd(26)} ${KINDS[close][1]}`);
  const certificate = isOwn ? ['', ...wrapped('The certificate was made for this run, for localhost: curl -k, probe --insecure.', '')] : [];
  return ['These servers close TLS in their ways:', '', ...rows, ...certificate, 'SIGTERM or Ctrl-C ends them.', ''].join('\n') + '\n';
}
