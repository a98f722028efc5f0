/** A certificate for `localhost`, made on the spot by the `openssl` program: no key is shipped with this package. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface Identity {
  readonly cert: string;
  readonly key: string;
}

const DAYS = 30;

/** A file, since old versions and LibreSSL have no option for the names. */
const CONFIGURATION = `[req]
distinguished_name = name
x509_extensions = extensions
prompt = no
[name]
CN = localhost
[extensions]
subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1
basicConstraints = critical, CA:TRUE
`;

export async function makeIdentity(program = 'openssl'): Promise<Identity> {
  const folder = await mkdtemp(join(tmpdir(), 'tls-graceful-shutdown-')); // only we may read it
  const file = (name: string): string => join(folder, name);
  try {
    await writeFile(file('config'), CONFIGURATION);
    const output = ['-keyout', file('key'), '-out', file('cert')];
    await promisify(execFile)(program, ['req', '-x509', '-newkey', 'rsa:2048', '-sha256', '-nodes', '-days', String(DAYS), '-config', file('config'), ...output]);
    return { cert: await readFile(file('cert'), 'utf8'), key: await readFile(file('key'), 'utf8') };
  } catch (error) {
    throw new Error(whyNot(error as NodeJS.ErrnoException, program), { cause: error });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function whyNot(error: NodeJS.ErrnoException & { stderr?: string }, program: string): string {
  if (error.code === 'ENOENT') return `there is no certificate: give options.cert and options.key, or install the ${program} program, which makes one`;
  return `${program} made no certificate: ${(error.stderr ?? '').trim() || error.message}`;
}
