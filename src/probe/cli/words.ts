/** What an answer says in words, and what it means for a client of that server. */
import type { Asked } from '../ask.js';
import type { DialError } from '../dial.js';
import type { Target } from '../target.js';
import type { End, ProbeReport, Question } from '../types.js';

type Words = readonly [says: string, means: string];
type Table = Readonly<Record<Exclude<End, 'error'>, Words>>;

const SHUTDOWN = 'gracefulShutdown(socket, { bidirectional: true })';

const UNVERIFIED = 'A client that checks the end can not trust it: gracefulShutdown gives -1 (UNVERIFIED). Java does this in TLS 1.3, and Node 22 and later can not see through it.';

const WE_CLOSE: Table = {
  close_notify: ['It answers our close_notify with its own.', `A client can close in both directions (${SHUTDOWN} gives 1), and then has all that the server sent.`],
  fin: [
    'It answers our close_notify with a bare FIN.',
    'The server has read our alert, and nothing is lost. But a client that waits for its alert gets -1 (TRUNCATED), since nobody can tell such an end from a cut. So close in one step. nginx does the same, so this counts as clean.',
  ],
  reset: ['It answers our close_notify with a reset.', `What was on its way may be lost in both directions: ${SHUTDOWN} gives -1 (TRANSPORT). Read the whole answer before you close.`],
  alert: ['It answers our close_notify with another alert.', `${SHUTDOWN} gives -1 (PROTOCOL).`],
  silence: ['It does not answer our close_notify, and keeps the connection.', 'A client that waits for an answer runs into its timeout. It has to destroy the socket then.'],
  unverified: ['It ended, but whether by close_notify can not be told.', UNVERIFIED],
};

const HALF_CLOSE: Table = {
  close_notify: ['It goes on behind our close_notify, and ends with its own.', 'A client may end its side behind its request, and read on.'],
  fin: ['Behind our close_notify it ends by a bare FIN.', 'A client that ends its side behind its request can not tell whether it has got all.'],
  reset: ['Behind our close_notify it resets the connection.', 'A client has to keep its side open until it has the whole answer, or loses it.'],
  alert: ['Behind our close_notify it sends another alert.', 'A client has to keep its side open until it has the whole answer.'],
  silence: ['Behind our close_notify it neither ends nor sends more.', 'A client that ends its side behind its request waits for ever, unless it has a timeout.'],
  unverified: ['It ended, but whether by close_notify can not be told.', UNVERIFIED],
};

const IT_CLOSES: Table = {
  close_notify: ['It closes with close_notify.', 'A client can insist on it: an end of this server without close_notify was a cut.'],
  fin: ['It closes by a bare FIN.', 'A client can not tell its end from a cut on the way. It has to rely on a length in the protocol.'],
  reset: ['It closes by a reset.', 'A client may lose the end of an answer, and can not tell.'],
  alert: ['It closes with another alert.', 'A client sees an error at the end of each answer.'],
  silence: ['It did not close.', 'So how it closes is not known. Did it wait for more? Then give it other text to send, or more time.'],
  unverified: ['It closed, but whether by close_notify can not be told.', UNVERIFIED],
};

const QUIET: Table = {
  close_notify: ['At a bare FIN of ours it closes with close_notify.', 'It takes leave of a client that crashed as of any other. This does not count.'],
  fin: ['At a bare FIN of ours it closes by a bare FIN.', 'A client that closes without close_notify gets none. This does not count.'],
  reset: ['At a bare FIN of ours it resets the connection.', 'It treats an end without close_notify as an error. This does not count.'],
  alert: ['At a bare FIN of ours it sends another alert.', 'It treats an end without close_notify as an error. This does not count.'],
  silence: ['It takes no notice of a bare FIN of ours.', 'Connections of clients that crashed stay with it until it gives them up. This does not count.'],
  unverified: ['At a bare FIN of ours it ended, but how can not be told.', 'This does not count.'],
};

const IDLE: Table = {
  close_notify: ['It ends an idle connection with close_notify.', 'A client with a pool can tell that this was meant.'],
  fin: ['It ends an idle connection by a bare FIN.', 'A client with a pool can not tell that from a cut on the way.'],
  reset: ['It ends an idle connection by a reset.', 'A client with a pool sees an error, perhaps at its next request.'],
  alert: ['It ends an idle connection with another alert.', 'A client with a pool sees an error, perhaps at its next request.'],
  silence: ['It kept the idle connection all the time.', 'So how it ends one is not known. Give it more time (--idle).'],
  unverified: ['It ended an idle connection, but how can not be told.', UNVERIFIED],
};

const TABLES: Readonly<Record<Question, Table>> = { 'we-close': WE_CLOSE, 'half-close': HALF_CLOSE, 'it-closes': IT_CLOSES, quiet: QUIET, idle: IDLE };

const CUT = 'in the middle of a record';
const CUT_WORDS: Readonly<Record<Question, Words>> = {
  'we-close': ['It answers our close_notify with a FIN in the middle of a record.', 'What it was sending is cut off. A client that waits for its alert gets -1 (TRUNCATED), and should.'],
  'half-close': ['Behind our close_notify it ends in the middle of a record.', 'What it was sending is cut off, and a client loses it.'],
  'it-closes': ['It ends in the middle of a record.', 'What it was sending is cut off, and a client loses it.'],
  quiet: ['At a bare FIN of ours it ends in the middle of a record.', 'This does not count.'],
  idle: ['It ends an idle connection in the middle of a record.', 'What it was sending is cut off, and a client loses it.'],
};

/** Longer than that a client notices. */
const SLOW = 1000;

export function wordsFor({ answer, request }: Asked): string[] {
  const { question, end, elapsed, bytes, detail } = answer;
  if (end === 'error') return [`It could not be told: ${detail ?? 'the connection failed'}.`];
  const [says, means] = end === 'fin' && detail?.startsWith(CUT) === true ? CUT_WORDS[question] : TABLES[question][end];
  const more: string[] = [];
  if (question === 'we-close' && bytes > 0) more.push(`It still sent ${bytes} bytes, which a client has to read: those that come behind our close_notify too.`);
  if (question === 'half-close' && request !== undefined && (bytes === 0 || request.reply.isWhole === false)) more.push('But its answer is not whole: it stops at our close_notify. A client has to keep its side open until it has the answer.');
  if (end === 'close_notify' && question !== 'idle' && elapsed > SLOW) more.push(`It takes ${(elapsed / 1000).toFixed(1)} s for that: a client needs patience.`);
  if (question === 'it-closes' && end === 'fin' && request?.reply.isWhole === true) more.push('This answer says where it ends, and is whole.');
  return [says, means, ...more];
}

/** What its user could do about it. */
export function hintFor({ stage, message }: DialError, { port, starttls }: Target): string {
  if (stage === 'certificate') return '--ca FILE names whom to trust, --servername the name that it is for, and --insecure takes any.';
  if (stage === 'connect') return starttls === undefined && port === 443 ? 'The port is 443 if none is given.' : 'Is it the right host and port?';
  if (stage === 'starttls') return 'Is it the right port for this protocol?';
  const [, protocol] = GREETINGS.find(([greeting]) => greeting.test(message)) ?? [];
  if (protocol !== undefined) return `It speaks ${protocol.toUpperCase()} first: --starttls ${protocol} may get to TLS.`;
  return stage === 'refused' ? 'openssl s_client -connect tells more of a handshake.' : 'Does it speak TLS at this port from the first byte?';
}

/** What servers say of themselves that begin in plaintext. */
const GREETINGS: readonly (readonly [RegExp, string])[] = [
  [/it says "220[ -][^"]*(?:SMTP|mail)/i, 'smtp'],
  [/it says "220[ -]/, 'ftp'],
  [/it says "\* OK/, 'imap'],
  [/it says "\+OK/, 'pop3'],
  [/it says "[^"]*mysql|it says "[^"]*MariaDB/i, 'mysql'],
];

export const VERDICTS: Readonly<Record<ProbeReport['verdict'], string>> = {
  clean: 'Where this server ends by itself, it says close_notify. An end without that is a cut.',
  unclean: 'This server does not always end with close_notify: a client can not tell its end from a cut on the way.',
  unknown: 'Something could not be told.',
};
