/** What the peer does, or what we do before we close: a row of the table each. */
import type { Side, Version } from '../../support/pair.js';
import type { Script } from '../peers/forging.js';
import type { CallerName } from './caller.js';

export interface Behaviour {
  readonly what: string;
  /** What the table says where the two differ. */
  readonly why?: string | Readonly<Record<Version, string>>;
  /** Else on all. */
  readonly versions?: readonly Version[];
  readonly sides?: readonly Side[];
  /** Of our connection: see `Setting`. */
  readonly options?: readonly string[];
  /** Our side is in its handshake, and stays there. */
  readonly handshake?: false;
  /** The session tickets of a TLS 1.3 server are not read before the first call. */
  readonly unheard?: true;
  /** What we do before the peer does `first`, and behind it. */
  readonly early?: readonly string[];
  readonly first?: Script;
  readonly ours?: readonly string[];
  /** What the peer does when our alert, or our end without one, has come. */
  readonly answer?: Script;
  /** Before each further call: of the peer, or of ours where the word `we` stands first. */
  readonly later?: readonly Script[];
  /** Of these a call runs out of time: one, or one before each `later`. */
  readonly waits?: readonly CallerName[] | 'all';
  /** Our alert is not out when it does. */
  readonly blocked?: true;
  /** Further calls are made also behind a 1 or -1. */
  readonly again?: true;
  /** A new connection with the session of the first. */
  readonly resumes?: true;
}

const TLS12 = ['TLSv1.2'] as const;
const TLS13 = ['TLSv1.3'] as const;
const CLIENT = ['client'] as const;
const SERVER = ['server'] as const;
const STEPS = ['one step a call'] as const;
const OUR_CALLS = ['one step a call', 'bidirectional'] as const;

const DATA = 'SSL_shutdown fails on unread data. Ours keeps it for a later reader.';
const FATAL = 'SSL_shutdown takes a fatal alert for the end; only SSL_read tells. Ours never says 1 there.';
const READS = 'Node has read it by then. SSL_shutdown looks only behind its own alert.';
const READS_DATA = `${READS} It fails on the data.`;
const HIDDEN = 'OpenSSL 3.2 and later hides a close_notify behind user_canceled from SSL_read (openssl#25254). Node has it from 22 on.';
const KEEPS = 'SSL_shutdown fails on unread data. Ours keeps it, and waits for what is behind it.';
const HALF_SENT = 'OpenSSL wants the interrupted SSL_write repeated first. Ours flushes what was written, then sends its alert.';
const IGNORES = 'The option takes any FIN for close_notify. Ours never does, whatever OpenSSL was told.';

const PLAINTEXT = 'plain 485454502f312e3120343030204261640d0a0d0a'; // HTTP/1.1 400 Bad
const PLAIN_CLOSE_NOTIFY = 'plain 15030300020100';

export const AT_OUR_ALERT: readonly Behaviour[] = [
  { what: 'close_notify (test_shutdown 0, 2)', answer: ['close_notify'] },
  { what: 'close_notify, then a FIN', answer: ['close_notify', 'fin'] },
  { what: 'close_notify, then a reset', answer: ['close_notify', 'reset'] },
  { what: 'close_notify with 200 bytes of padding', versions: TLS13, answer: ['padded_close_notify'] },
  { what: 'close_notify in two parts', answer: ['cut close_notify', 'rest'] },
  { what: 'close_notify twice', answer: [['close_notify', 'close_notify']] },
  { what: 'close_notify, then data', answer: [['close_notify', 'data 4']] },
  { what: 'close_notify, then bytes that are no record', answer: [['close_notify', PLAINTEXT]] },
  { what: 'close_notify, then a fatal alert', answer: [['close_notify', 'alert 2 40']] },
  { what: 'a FIN', answer: ['fin'] },
  { what: 'a reset', answer: ['reset'] },
  { what: 'nothing', waits: 'all' },
  { what: 'nothing; later close_notify', later: [['close_notify']], waits: 'all' },
  { what: 'nothing; later a FIN', later: [['fin']], waits: 'all' },
  { what: 'nothing; later a reset', later: [['reset']], waits: 'all' },
  { what: 'nothing; nothing at the next call; then close_notify', later: [[], ['close_notify']], waits: 'all' },
  { what: 'data, and nothing more', why: KEEPS, answer: ['data 4'], waits: 'all' },
  { what: 'data, later close_notify', why: KEEPS, answer: ['data 4'], later: [['close_notify']], waits: 'all' },
  { what: 'data, then close_notify (test_shutdown 1, 6)', why: DATA, answer: ['data 4', 'close_notify'] },
  { what: 'data and close_notify in one segment', why: DATA, answer: [['data 4', 'close_notify']] },
  { what: 'data, close_notify and a FIN', why: DATA, answer: [['data 4', 'close_notify'], 'fin'] },
  { what: 'data, then a FIN', answer: ['data 4', 'fin'] },
  { what: 'data, then a reset', why: 'SSL_shutdown fails on unread data, before it gets to the reset.', answer: ['data 4', 'reset'] },
  { what: '200,000 bytes of data, then close_notify', why: 'SSL_shutdown fails on unread data. To ours the alert stands behind more than Node buffers.', answer: ['data 200000', 'close_notify'], waits: STEPS },
  { what: 'an empty record of data, then close_notify', why: 'SSL_shutdown fails on any record of data. Of an empty one Node hears nothing.', answer: ['data 0', 'close_notify'] },
  { what: 'the first half of close_notify, then a FIN', answer: ['cut close_notify', 'fin'] },
  { what: 'the first half of close_notify, then nothing', answer: ['cut close_notify'], waits: 'all' },
  { what: 'the first half of data, then a FIN', answer: ['cut data 4', 'fin'] },
  { what: 'close_notify as a fatal alert (2, 0)', why: FATAL, answer: ['alert 2 0'] },
  { what: 'close_notify of level 3', answer: ['alert 3 0'] },
  { what: 'close_notify twice in one record', answer: ['alert 1 0 1 0'] },
  { what: 'close_notify in two records of a byte', answer: [['alert 1', 'alert 0']] },
  { what: 'close_notify that is not encrypted', answer: [PLAIN_CLOSE_NOTIFY] },
  { what: 'handshake_failure (2, 40)', why: FATAL, answer: ['alert 2 40'] },
  { what: 'internal_error (2, 80)', why: FATAL, answer: ['alert 2 80'] },
  { what: 'bad_record_mac (2, 20), then a FIN', why: FATAL, answer: ['alert 2 20', 'fin'] },
  { what: 'handshake_failure (2, 40), then close_notify', why: FATAL, answer: [['alert 2 40', 'close_notify']] },
  { what: 'general_error (2, 117), which OpenSSL has no name for', why: FATAL, answer: ['alert 2 117'] },
  { what: 'general_error (2, 117), then a FIN', why: FATAL, answer: ['alert 2 117', 'fin'] },
  { what: 'general_error (2, 117), then data', why: FATAL, answer: [['alert 2 117', 'data 4']] },
  { what: 'general_error (2, 117), then close_notify', why: FATAL, answer: [['alert 2 117', 'close_notify']] },
  {
    what: 'general_error as a warning (1, 117), then close_notify',
    why: `In TLS 1.3 it is fatal. ${FATAL} On Node 20 its OpenSSL shows neither an error nor an end.`,
    answer: ['alert 1 117', 'close_notify'],
    waits: OUR_CALLS,
  },
  { what: 'user_canceled (1, 90), and nothing more', answer: ['alert 1 90'], waits: 'all' },
  { what: 'user_canceled (1, 90), then close_notify', why: HIDDEN, answer: ['alert 1 90', 'close_notify'], waits: OUR_CALLS },
  { what: 'user_canceled (1, 90), close_notify and a FIN', why: HIDDEN, answer: ['alert 1 90', 'close_notify', 'fin'] },
  { what: 'user_canceled (1, 90), then a FIN', answer: ['alert 1 90', 'fin'] },
  { what: 'user_canceled (1, 90) six times, then close_notify', answer: [Array.from({ length: 6 }, () => 'alert 1 90'), 'close_notify'] },
  { what: 'no_renegotiation (1, 100), then close_notify', why: `In TLS 1.3 it is fatal. ${FATAL}`, answer: ['alert 1 100', 'close_notify'] },
  { what: 'KeyUpdate, then close_notify', versions: TLS13, answer: ['key_update', 'close_notify'] },
  { what: 'data, KeyUpdate that asks for ours, data and close_notify (test_shutdown 4)', why: DATA, versions: TLS13, answer: [['data 4', 'key_update_asking', 'data 4', 'close_notify']] },
  { what: 'a session ticket, then close_notify', versions: TLS13, sides: CLIENT, answer: ['ticket', 'close_notify'] },
  {
    what: 'the first half of a session ticket, then close_notify',
    why: 'OpenSSL refuses to close in the middle of a message, if SSL_read has seen it. Both alerts are through, so ours is 1.',
    versions: TLS13,
    sides: CLIENT,
    answer: [['half_ticket', 'close_notify']],
  },
  { what: 'CertificateRequest, which we have not allowed, then close_notify', versions: TLS13, sides: CLIENT, answer: ['certificate_request', 'close_notify'] },
  {
    what: 'data, CertificateRequest, data and close_notify; OpenSSL is allowed to answer it (test_shutdown 5)',
    why: 'Node has no call that allows it, so the request is an error there. SSL_shutdown alone fails on the data.',
    versions: TLS13,
    sides: CLIENT,
    options: ['post-handshake-auth'],
    answer: [['data 4', 'certificate_request', 'data 4', 'close_notify']],
  },
  { what: 'HelloRequest, then close_notify', versions: TLS12, sides: CLIENT, answer: ['hello_request', 'close_notify'] },
  { what: 'a damaged record', answer: ['damaged'] },
  { what: 'a record of data twice, then close_notify', answer: ['twice', 'close_notify'] },
  { what: 'a record that is too long', answer: ['plain 170303ffff'] },
  { what: 'a record of type 99, then close_notify', answer: ['type 99', 'close_notify'] },
  { what: 'ChangeCipherSpec, then close_notify', why: 'The OpenSSL of Node 22 and later ignores it. Nobody authenticates it, so it says nothing.', answer: ['plain 140303000101', 'close_notify'] },
  { what: 'an answer in plaintext, then a FIN', answer: [PLAINTEXT, 'fin'] },
];

export const BEFORE: readonly Behaviour[] = [
  { what: 'close_notify (test_shutdown 0, 2)', why: READS, first: ['close_notify'] },
  { what: 'close_notify and a FIN', why: READS, first: ['close_notify', 'fin'] },
  { what: 'data and close_notify', why: READS_DATA, first: [['data 4', 'close_notify']] },
  { what: 'data, close_notify and a FIN', why: READS_DATA, first: [['data 4', 'close_notify'], 'fin'] },
  { what: 'a FIN (test_incorrect_shutdown 0)', why: READS, first: ['fin'] },
  { what: 'data and a FIN', why: READS_DATA, first: ['data 4', 'fin'] },
  { what: 'a FIN; a reset at our alert', why: READS, first: ['fin'], answer: ['reset'] },
  { what: 'a reset', first: ['reset'] },
  { what: 'data and a reset', first: ['data 4', 'reset'] },
  { what: 'handshake_failure (2, 40)', why: `${READS} ${FATAL}`, first: ['alert 2 40'] },
  { what: 'data and handshake_failure (2, 40)', why: READS_DATA, first: [['data 4', 'alert 2 40']] },
  { what: 'general_error (2, 117), which OpenSSL has no name for', why: `${READS} ${FATAL}`, first: ['alert 2 117'] },
  { what: 'general_error (2, 117) and a FIN', why: `${READS} ${FATAL}`, first: ['alert 2 117', 'fin'] },
  { what: 'general_error (2, 117) and data', why: `${READS} ${FATAL}`, first: [['alert 2 117', 'data 4']] },
  { what: 'user_canceled (1, 90) and close_notify', why: { 'TLSv1.2': READS, 'TLSv1.3': `${READS} ${HIDDEN}` }, first: [['alert 1 90', 'close_notify']], waits: OUR_CALLS },
  { what: 'user_canceled (1, 90) and a FIN', why: READS, first: ['alert 1 90', 'fin'] },
  { what: 'data; close_notify at our alert', why: DATA, first: ['data 4'], answer: ['close_notify'] },
  { what: 'data; a FIN at our alert', first: ['data 4'], answer: ['fin'] },
  { what: 'data; more of it and close_notify at our alert', why: DATA, first: ['data 4'], answer: [['data 4', 'close_notify']] },
  { what: 'the first half of close_notify; the rest at our alert', first: ['cut close_notify'], answer: ['rest'] },
  { what: 'the first half of close_notify; a FIN at our alert', first: ['cut close_notify'], answer: ['fin'] },
  { what: 'the first half of data; the rest and close_notify at our alert', why: DATA, first: ['cut data 4'], answer: [['rest', 'close_notify']] },
  { what: 'KeyUpdate; close_notify at our alert', versions: TLS13, first: ['key_update'], answer: ['close_notify'] },
  { what: 'KeyUpdate that asks for ours; close_notify at our alert', versions: TLS13, first: ['key_update_asking'], answer: ['close_notify'] },
  {
    what: 'HelloRequest; close_notify at our alert',
    why: 'Who reads it begins to renegotiate, and OpenSSL sends no alert in a handshake. SSL_shutdown alone has not read it.',
    versions: TLS12,
    sides: CLIENT,
    first: ['hello_request'],
    answer: ['close_notify'],
  },
  { what: 'session tickets that we have not read; close_notify at our alert (test_shutdown 3)', versions: TLS13, sides: CLIENT, unheard: true, answer: ['close_notify'] },
  { what: 'session tickets that we have not read; a FIN at our alert', versions: TLS13, sides: CLIENT, unheard: true, answer: ['fin'] },
  { what: 'a damaged record', why: READS, first: ['damaged'] },
  { what: 'an answer in plaintext', why: READS, first: [PLAINTEXT] },
  { what: 'close_notify that is not encrypted', why: READS, first: [PLAIN_CLOSE_NOTIFY] },
];

const FORGETS = 'OpenSSL forgets its 1 at the next call. Ours stays what it was.';

export const OURS: readonly Behaviour[] = [
  { what: 'we have written 4 bytes; close_notify', ours: ['write 4'], answer: ['close_notify'] },
  { what: 'we have written 4 bytes; close_notify came before', why: READS, early: ['write 4'], first: ['close_notify'] },
  { what: 'we write 4 bytes behind its close_notify, half-open', why: READS, options: ['half-open'], first: ['close_notify'], ours: ['write 4'] },
  {
    what: 'we write 4 bytes behind our alert; close_notify',
    why: 'OpenSSL refuses them. Node refuses them too, and destroys the stream.',
    later: [['we write-late 4', 'close_notify']],
    waits: 'all',
  },
  { what: 'close_notify; two more calls behind the 1', answer: ['close_notify'], later: [[], []], again: true },
  { what: 'a FIN; another call', answer: ['fin'], later: [[]], again: true },
  { what: 'a reset; another call', why: 'OpenSSL forgets the errno, and has an error of its own. Ours stays what it was.', answer: ['reset'], later: [[]], again: true },
  { what: 'handshake_failure (2, 40); another call', why: `${FATAL} ${FORGETS}`, answer: ['alert 2 40'], later: [[]], again: true },
  { what: 'general_error (2, 117) and data; another call', why: `${FATAL} ${FORGETS}`, answer: [['alert 2 117', 'data 4']], later: [[]], again: true },
  { what: 'we have written more than the peer reads; it reads on and answers', why: HALF_SENT, first: ['stall'], ours: ['fill'], answer: ['close_notify'], later: [['read']], waits: 'all', blocked: true },
  { what: 'we have written more than the peer reads; a reset', why: HALF_SENT, first: ['stall'], ours: ['fill'], later: [['reset']], waits: 'all', blocked: true },
  {
    what: 'close_notify came before; our transport takes nothing, twice (test_async_shutdown)',
    why: READS,
    sides: CLIENT,
    options: ['held'],
    first: ['close_notify'],
    ours: ['hold'],
    later: [[], ['we release']],
    waits: 'all',
    blocked: true,
  },
  { what: 'our transport takes nothing for a while; close_notify', sides: CLIENT, options: ['held'], ours: ['hold'], answer: ['close_notify'], later: [['we release']], waits: 'all', blocked: true },
  {
    what: 'we have half-closed TCP under TLS',
    why: 'OpenSSL gets EPIPE. Node ended the transport in order; ours only knows that the alert did not leave.',
    sides: CLIENT,
    options: ['own transport'],
    ours: ['half-close'],
    answer: ['close_notify'],
  },
  { what: 'we have closed the transport', ours: ['lose'] },
  { what: 'we close the transport behind our alert', later: [['we lose']], again: true, waits: 'all' },
  { what: 'quiet; a FIN', ours: ['quiet'], answer: ['fin'] },
  { what: 'quiet; close_notify and a FIN', ours: ['quiet'], answer: ['close_notify', 'fin'] },
  { what: 'quiet; nothing', ours: ['quiet'], waits: 'all', blocked: true },
  { what: 'quiet; a reset', ours: ['quiet'], answer: ['reset'] },
  { what: 'quiet, behind its close_notify', first: ['close_notify'], ours: ['quiet'] },
  { what: 'quiet, behind its FIN', why: 'SSL_read has failed, and quiet does not help then. Our quiet asks for a flush only.', first: ['fin'], ours: ['quiet'] },
  { what: 'quiet, behind a reset', why: 'A quiet SSL_shutdown does nothing at all. Ours flushes what was written, which is lost.', first: ['reset'], ours: ['quiet'] },
  { what: 'quiet, then not quiet', why: 'Neither sends an alert. Ours says so: 1 without quiet is proof.', ours: ['quiet'], answer: ['close_notify', 'fin'], later: [['we loud']], again: true },
  { what: 'our alert; nothing; then quiet and a FIN', why: 'SSL_read has failed, and quiet does not help then. Our quiet asks for a flush only.', later: [['we quiet', 'fin']], waits: 'all' },
  { what: 'SSL_OP_IGNORE_UNEXPECTED_EOF; a FIN at our alert', why: IGNORES, options: ['ignore-eof'], answer: ['fin'] },
  { what: 'SSL_OP_IGNORE_UNEXPECTED_EOF; a FIN before (test_incorrect_shutdown 1)', why: IGNORES, options: ['ignore-eof'], first: ['fin'] },
  { what: 'in the handshake; nothing', handshake: false },
  { what: 'in the handshake; a FIN', handshake: false, first: ['fin'] },
  { what: 'in the handshake; a reset', handshake: false, first: ['reset'], why: 'SSL_shutdown refuses in a handshake without a look at the transport. Node has looked.' },
  { what: 'in the handshake; bytes that are no record', handshake: false, first: [PLAINTEXT] },
  { what: 'in the handshake; close_notify', handshake: false, first: [PLAIN_CLOSE_NOTIFY] },
  { what: 'in the handshake; handshake_failure (2, 40)', handshake: false, first: ['plain 15030300020228'] },
  { what: 'in the handshake; quiet', handshake: false, ours: ['quiet'] },
  { what: 'close_notify; a new connection with the session', answer: ['close_notify'], resumes: true },
  { what: 'nothing; a new connection with the session', waits: 'all', resumes: true },
  { what: 'a FIN; a new connection with the session', answer: ['fin'], resumes: true },
  { what: 'a reset; a new connection with the session', answer: ['reset'], resumes: true },
  { what: 'handshake_failure (2, 40); a new connection with our session', why: `${FATAL} OpenSSL drops the session; Node gave it away as bytes.`, sides: CLIENT, answer: ['alert 2 40'], resumes: true },
  { what: 'handshake_failure (2, 40); a new connection with the session we gave', why: FATAL, sides: SERVER, answer: ['alert 2 40'], resumes: true },
  { what: 'quiet and a FIN; a new connection with the session', ours: ['quiet'], answer: ['fin'], resumes: true },
];

/** Each with what stands in the first column. */
export const SECTIONS = { 'at our alert': AT_OUR_ALERT, 'before our first call': BEFORE, 'besides': OURS } as const;
export type Section = keyof typeof SECTIONS;
