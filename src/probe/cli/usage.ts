/** Wrong usage, and the help. */
import { didYouMean } from './nearest.js';

/** As sysexits.h has it. */
export const EX_USAGE = 64;

export class UsageError extends Error {}

export const COMMANDS = ['probe', 'serve'];

export function unknownCommand(name: string): UsageError {
  return new UsageError(`there is no command '${name}'${didYouMean(name, COMMANDS) || `. The commands are ${COMMANDS.join(' and ')}`}`);
}

export const HELP = `Usage: tls-graceful-shutdown probe HOST[:PORT] [options]
       tls-graceful-shutdown serve [options]

  probe   how does that server close TLS?
  serve   a server that closes in every way, to test clients

tls-graceful-shutdown COMMAND --help tells of the options.
`;

export const PROBE_HELP = `Usage: tls-graceful-shutdown probe HOST[:PORT] [options]

Asks a server how it closes TLS. Each question has a connection of its own:
  we-close    we close first: does it answer with close_notify?
  half-close  close_notify behind a request: does it finish its answer?
  it-closes   we make it close: does its end carry close_notify?
  quiet       what does it do at a bare FIN?
  idle        with --idle: how does it end an idle connection?

  --tls 1.2|1.3|both      versions of TLS to ask (default both)
  --alpn NAMES            protocols to offer, as h2,http/1.1
  --servername NAME       the name to ask for (default HOST)
  --ca FILE               whom to trust, in PEM
  --cert FILE --key FILE  a certificate of ours to show, in PEM
  --insecure              take any certificate
  --starttls PROTOCOL     smtp, imap, pop3, ftp, ldap, postgres, mysql or xmpp
  --send TEXT             what makes the server answer and end, in place of an
                          HTTP request or a goodbye; \\r \\n \\t \\0 \\\\ \\xHH
  --idle SECONDS          leave a connection idle for so long, and see
  --timeout MS            for each step (default 5000)
  --json                  print the report as JSON
  --no-color              no colours; so do NO_COLOR and FORCE_COLOR=0
  --help, --version

PORT is 443, or the usual one of the STARTTLS protocol. IPv6: [::1]:443

Exit status: 0 it closes cleanly (a bare FIN for our close_notify is told, and
counts as clean); 1 it-closes, half-close or idle was ended by a bare FIN, a
reset or another alert; 2 something could not be told, or nothing could be
reached; 64 wrong usage.
`;

export const SERVE_HELP = `Usage: tls-graceful-shutdown serve [options]

Starts servers that close in every way, each at a port of its own. They speak
HTTP/1.1 if they are asked so, otherwise they echo a line, and then close.

  --close KIND            only this one: clean, fin, rst, silent, cut (in
                          mid-record), late-data (behind the client's
                          close_notify) or slow
  --port N                where to listen; without --close the first of seven
                          in a row (default any that are free)
  --host ADDRESS          default 127.0.0.1
  --cert FILE --key FILE  the certificate, in PEM (default one for localhost
                          that the openssl program makes)
  --idle SECONDS          close a connection that is idle behind an answer
                          (default 5)
  --delay MS              how late slow is (default 2000)
  --json                  print ports and certificate as one line of JSON
  --help, --version

SIGTERM and SIGINT end it by a drain.
`;
