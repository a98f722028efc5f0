/** The programs that the suite talks to. One that is missing fails the suite: a skipped peer would look like a peer that agrees. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

/** Each program with the Debian package that has it and the arguments that make it print its version. */
const PROGRAMS = {
  openssl: ['openssl', 'version'],
  python3: ['python3', '--version'],
  'gnutls-serv': ['gnutls-bin', '--version'],
  'gnutls-cli': ['gnutls-bin', '--version'],
  go: ['golang-go', 'version'],
  java: ['openjdk-17-jdk-headless', '--version'],
  javac: ['openjdk-17-jdk-headless', '--version'],
  nginx: ['nginx-light', '-v'],
  curl: ['curl', '--version'],
  apache2: ['apache2', '-v'],
  haproxy: ['haproxy', '-v'],
  lighttpd: ['lighttpd lighttpd-mod-openssl', '-v'],
  stunnel: ['stunnel4', '-version'],
  postconf: ['postfix', '-d'],
  dovecot: ['dovecot-imapd', '--version'],
  vsftpd: ['vsftpd', '-v'],
  postgres: ['postgresql', '--version'],
  'redis-server': ['redis-server', '--version'],
  mariadbd: ['mariadb-server', '--version'],
  ip: ['iproute2', '-V'],
  unshare: ['util-linux', '--version'],
  gcc: ['gcc libc6-dev libssl-dev libgnutls28-dev', '--version'],
} as const satisfies Record<string, readonly [debianPackage: string, versionArgument: string]>;

export type Program = keyof typeof PROGRAMS;

/** Fails with the name of the package to install if one of `programs` can't be run. */
export function requirePrograms(...programs: readonly Program[]): void {
  for (const program of programs) {
    const [debianPackage, versionArgument] = PROGRAMS[program];
    try {
      execFileSync(program, [versionArgument], { stdio: 'ignore', env: programEnvironment() });
    } catch (error) {
      throw new Error(`this test needs ${program}, which can't be run: install it with "apt-get install ${debianPackage}"`, { cause: error });
    }
  }
}

/** Debian has nginx in a directory that only root searches, and PostgreSQL in one that nobody does. */
export function programEnvironment(): NodeJS.ProcessEnv {
  const postgres = existsSync(POSTGRES) ? readdirSync(POSTGRES).map((version) => `:${POSTGRES}/${version}/bin`) : [];
  return { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin${postgres.join('')}`, LC_ALL: 'C' };
}

const POSTGRES = '/usr/lib/postgresql';
