/**
 * Each sentence of SECURITY.md, and the tests that show it: a file below `test/`, and a part of the test's title as it is written there. Or why it has none.
 * Whoever changes a sentence looks at its tests.
 */

/** `definition`: of a word that the page uses. `introduction`: what follows is shown. `not asserted`: it says that something is not claimed. */
type Untested = 'advice' | 'definition' | 'introduction' | 'not asserted' | 'reporting';
export type Claim = Untested | readonly (readonly [file: string, title: string])[];

const ALERTS = ['node/alert-table', '1 at close_notify and -1 at any other alert over'] as const;
const UNNAMED = ['node/alert-table', '-1 at a fatal alert that OpenSSL has no name for, whatever comes behind it and whenever'] as const;
const NEVER_CLEAN = ['node/verdict', 'is never close_notify when the transport is cut'] as const;
const LACKING = ['node/forgery', "is unverified, never a guess, when Node's internals are not what they were"] as const;
const PROOFS = ['closure/closure', "lead to the peer's close_notify by a proof only"] as const;
const EARLY_END = ['node/early-end', '-1, and neither clean nor cut, where it swallowed a fatal alert over'] as const;
const SENT = ['security/sent', "'sent' is close_notify though no alert left, and the value is -1"] as const;
const PLAINTEXT = ['wrap/unwrap-boundary', 'hands out all plaintext and nothing else, wherever the segment with the alert and it is cut'] as const;
const PIPELINED = ['security/pipelined', 'answers those that had reached the application, in their order, the last one with Connection: close'] as const;

export const CLAIMS: Readonly<Record<string, Claim>> = {
  'Behind each sentence that claims something stands a test that tries to break it.':
    [['security/claims', 'has a test for each sentence that claims something']],
  'The page names its file, as a path below `test/`, and `test/security/claims.ts` its title.':
    [['security/claims', 'has a test for each sentence that claims something']],
  'A test fails where a sentence has none.':
    [['security/claims', 'has a test for each sentence that claims something']],
  "`1` without `quiet`, and `received: 'close_notify'`: the peer's `close_notify` alert was received.":
    [ALERTS, NEVER_CLEAN, PROOFS, ['interop/gnutls-alerts', '1 at its close_notify and at no other of 512 alerts']],
  "OpenSSL authenticated it with the connection's keys.":
    [ALERTS, ['node/forgery', 'an end after garbage is an error, whatever the probe says'], ['node/forgery', 'a plaintext alert injected into the handshake is no close_notify']],
  'So everything that the peer sent before it has arrived.':
    [['shutdown/lossless', "delivers the peer's 50,000 bytes when called in"], ['wrap/unwrap-boundary', 'waits behind unread TLS data of any size, and loses neither it nor the plaintext and FIN behind it']],
  'Nothing else leads there.':
    [ALERTS, UNNAMED, NEVER_CLEAN, PROOFS, ['node/other-writes', 'are no proof: no clean end behind a fatal alert, and our alert is lost']],
  "`received: 'fin'` and `ERR_TLS_SHUTDOWN_TRUNCATED`: the transport ended and no alert came before.":
    [['node/verdict', 'behind data that nobody read in time'], ['shutdown/failures', 'TRUNCATED when a FIN comes with no close_notify, in step 2']],
  'The stream was cut, by the peer, a crash or somebody on the path.':
    [['shutdown/failures', 'TRUNCATED when the FIN cuts a record in the middle'], ['node/faults', 'are told truly: ${op}']],
  "`'unverified'`: how it ended can't be told.":
    [EARLY_END, ['connection/right-words', 'a close_notify that OpenSSL hides is no FIN']],
  'Treat it as cut.':
    'advice',
  "`sent: 'close_notify'`: our alert was handed to the kernel, or to the `Duplex` under the socket.":
    [['node/alert-refused', 'is TRANSPORT after a reset that Node has read'], ['node/alert-refused-transports', 'over a Duplex that ${taken']],
  'That the peer received it is not asserted.':
    'not asserted',
  "Where Node does not count the bytes written to the transport, `'lost'` can't be told from it.":
    [['node/alert-refused', 'is learned where Node has no']],
  "It may be untrue where somebody else called `end()` before anybody watched, behind a fatal alert that OpenSSL has no name for: Node then says `'finish'`, and no alert has left.":
    [SENT],
  'The value is -1 there all the same.':
    [SENT],
  '`1` with `quiet`: what was written was flushed.':
    [['shutdown/quiet', 'returns 1, flushes what was written, and the peer gets a bare FIN'], ['shutdown/quiet', 'returns -1 when what was written can not be flushed in time']],
  "It says nothing of the peer, who can't tell our end from an attack.":
    [['shutdown/quiet', 'returns 1 when the time is over and the peer has said nothing']],
  "`unwrap` resolves: TLS ended by both alerts, and the first byte that follows the peer's alert is the first that you read.":
    [PLAINTEXT, ['wrap/unwrap-padding', 'loses nothing of plaintext like a full record'], ['wrap/unwrap-failures', 'rejects and destroys the transport when ${what} comes while it waits']],
  'Who sent that byte is not asserted: it is plaintext.':
    'not asserted',
  'The attacker is anybody on the path.':
    'definition',
  'They have no keys.':
    'definition',
  'They can inject a FIN, a RST and bytes, and drop, delay, split, join and repeat what passes.':
    'definition',
  'And they can make the honest peer send a fatal alert, authentic and with its keys: garbage sent to the peer is enough.':
    [['shutdown/failures', 'PROTOCOL when a fatal alert comes in place of close_notify']],
  'In Node the stream may then end as if by `close_notify`.':
    [UNNAMED, ['security/public-fields', 'no public event or field tells a close_notify from a FIN']],
  'So an end that looks clean is not yet a proof.':
    [UNNAMED],
  'forges a FIN, anywhere in the stream: -1, `TRUNCATED` or `UNVERIFIED`':
    [NEVER_CLEAN, ['node/forgery', 'a FIN before anybody watched is never clean'], ['node/verdict', 'is fin on a watched server when a client is cut right behind its handshake']],
  'forges a RST: -1, `TRANSPORT`; after both alerts were exchanged, nothing changes any more':
    [['connection/right-words', 'a reset is an error, not a FIN'], ['shutdown/hostile', 'ignores data and resets after both alerts: 1 stays 1']],
  'injects or changes bytes: OpenSSL refuses the record: -1, `PROTOCOL`; if the bytes announce a record that never comes whole: -1, `TIMEOUT`, or what the FIN behind them gives':
    [['security/injected', 'bytes injected ${when} our alert'], ['security/injected', 'they ${code ===']],
  'makes the peer send a fatal alert, and adds any bytes behind it: -1, `PROTOCOL`, `UNVERIFIED`, `NOT_SENT` or `TIMEOUT`':
    [UNNAMED, ['node/alert-crossing', '${name}, then ${behind}, within the write of ours'], ['interop/gnutls-alerts', '1 at its close_notify and at no other of 512 alerts']],
  'the same, where the application calls `end()` in a read callback before anybody watches, which swallows the alert: -1, `UNVERIFIED` or `PROTOCOL`':
    [EARLY_END],
  'the same, and delays what OpenSSL writes by itself (its answer to a KeyUpdate), so that it leaves in place of our alert: -1, `NOT_SENT`':
    [['node/other-writes', 'are no proof: no clean end behind a fatal alert, and our alert is lost']],
  "injects a plaintext alert into the handshake, where nothing is authenticated yet: -1; `received` is `'unverified'`":
    [['node/forgery', 'a plaintext alert injected into the handshake is no close_notify']],
  "drops everything, or never lets the peer's alert through: -1, `TIMEOUT`, at your `timeout`":
    [['shutdown/failures', "TIMEOUT/WANT_READ when the peer's alert does not come in time"]],
  'delays, splits or joins segments: nothing changes, but for the time it takes':
    [['node/faults', 'change nothing: ${op}']],
  'So they can deny you a clean end.':
    [['shutdown/failures', 'TRUNCATED when a FIN comes with no close_notify, in step 2']],
  'They can never make you see one that was not there: if you find a way, it is a vulnerability, also when it takes a special transport, an odd timing, back-pressure, or a second copy of this package in the tree.':
    [ALERTS, NEVER_CLEAN, ['node/forgery', "TLS in TLS under back-pressure: the outer layer's end is no inner close_notify"], ['node/forgery', 'two copies of the package share one state, and only one asks'], ['connection/versions', 'is left alone, the transport is not asked, and the verdict is unverified'], ['node/faults', 'are told truly in the first plans of the fuzzer']],
  'The peer itself holds the keys, and so is no attacker on a single connection: it can send `close_notify` whenever it likes.':
    'definition',
  'What it can cost you is under Resources.':
    'introduction',
  'Who the peer is, the handshake says: with `rejectUnauthorized: false` it may be the attacker, whose `close_notify` is as good as any.':
    [['security/sent', '1 from a peer whose certificate does not hold']],
  'Nor is code in the same process an attacker, which can do anything to a socket.':
    'definition',
  'Not protected: what was read before the end was known.':
    'not asserted',
  "Don't act on data whose end matters until the verdict is there.":
    'advice',
  'OpenSSL inside Node, to authenticate alerts, and to make no alert of ours behind a fatal alert that it has received.':
    [ALERTS, UNNAMED],
  "Node's handles.":
    'introduction',
  'No public field tells a `close_notify` from a FIN, nor from a fatal alert.':
    [['security/public-fields', 'no public event or field tells a close_notify from a FIN']],
  'At the end of the stream this package asks whether the transport is still being read.':
    [['node/forgery', 'the asking leaves the transport as it was']],
  'TLS ended and its transport not: then it was no FIN.':
    [NEVER_CLEAN, ['node/verdict', "is close_notify at the peer's alert, when 'end' is emitted"]],
  'That it was no fatal alert either is proved in one of two ways.':
    [PROOFS],
  'Where our alert was not out yet: it leaves, and OpenSSL sends nothing behind a fatal alert.':
    [UNNAMED, ['node/other-writes', "hide none: 1 behind the peer's close_notify"]],
  'Where it was out: this package feeds the TLS layer piece by piece and asks it to read again without a new byte.':
    [['node/floods', 'lets others have their turn between 512 KB'], ['closure/record-ends', 'at most one ends in a piece, and an end is never missed']],
  'A `close_notify` ends the stream while its last byte is fed, a fatal alert only when asked.':
    [ALERTS, UNNAMED],
  'All of this is in `src/node/`, a line for each field.':
    [['sources', 'are touched in src/node/ only'], ['sources', 'have a row in the table of the file that touches them']],
  'It was checked on Node 20.20, 22.23, 24.22 and 26.12.':
    [['security/package', 'is tested on each version of Node that the page names']],
  "Where a field is missing, or answers with anything else, the verdict is `'unverified'`.":
    [LACKING],
  'A Node that kept the fields and changed their meaning could break the proof.':
    'not asserted',
  'The test suite is there to show that, so run it on a new major version of Node.':
    'advice',
  'The kernel, for our own half.':
    'introduction',
  'Over TCP `shutdown(2)` tells whether the connection lived until then, and so that our alert before it went out.':
    [['node/node-final', "'is TRANSPORT after a reset' : 'is 1'"], ['node/alert-answered', 'is 1, and ${name}']],
  'A write that fails on a connection that lives, because another process shares the descriptor and has shut it down, say, is not seen: nor does Node tell of it.':
    'not asserted',
  'The `Duplex` under the socket, where the transport is one: that it tells its own end truly.':
    [['node/forgery', "a Duplex that emits 'end' by hand is not taken for open"], ['node/forgery', 'a Duplex without readableEnded that nobody watched in time is unverified']],
  'There are no dependencies at run time and no install scripts.':
    [['security/package', 'has no dependencies at run time, and no install scripts']],
  'There is no network access but by the sockets that you pass in, the server that you tell `probe` to ask, and what `serve` listens on.':
    [['security/package', 'connects to nobody but whom probe is told to ask']],
  '`serve` listens on 127.0.0.1 unless you name another address.':
    [['probe/serve', 'has a port for each kind, in a row if the first one is given, on 127.0.0.1 alone']],
  'It runs the `openssl` program if it is given no certificate: no key is in the package.':
    [['probe/serve', 'makes a certificate for localhost by the openssl program'], ['security/package', 'runs no program but openssl, in serve'], ['security/package', 'has no key in it']],
  'What a server sends to `probe` is hostile until proved otherwise: it is printed with control characters escaped, no more than 16 MB of it are read, and plaintext behind the answer to STARTTLS is an error (CVE-2011-0411).':
    [['probe/escape', 'never gives anything that a terminal takes for a command'], ['probe/program', 'keeps to 80 columns, whatever a server says, and lets no control character of it out'], ['probe/answers', 'reads no more than 16 MB'], ['probe/starttls', 'takes bytes behind the answer for an attack (CVE-2011-0411)']],
  'What each of these costs is in measured.md.':
    'introduction',
  'Every call that closes has a limit: `timeout`, 5 s unless you say otherwise.':
    [['security/resources', 'each call has a limit: 5 s, of a drain 30 s'], ['shutdown/failures', 'TIMEOUT/WANT_WRITE when our alert is not flushed in time']],
  'A drain has `grace`, 30 s.':
    [['security/resources', 'each call has a limit: 5 s, of a drain 30 s'], ['drain/server', 'forces what is left at the end of grace']],
  'A call that ran into its `timeout` leaves the socket open: destroy it, or a peer that stays silent keeps it for ever.':
    [['shutdown/failures', "TIMEOUT/WANT_READ when the peer's alert does not come in time"]],
  'A drain destroys all that it began with.':
    [['drain/slices', 'have closed every socket when the report comes'], ['drain/server', 'forces what is left at the end of grace']],
  "The handshake of `wrap` has no limit of ours, as that of `tls.connect` and `new TLSSocket` has none of Node's: it lasts until you destroy the socket.":
    [['security/handshakes', 'last until somebody ends them']],
  'A limit is `socket.setTimeout(ms, () => socket.destroy())`: what comes byte by byte in a handshake does not begin it anew.':
    [['security/handshakes', "are limited by the socket's own setTimeout(), which the bytes of a handshake do not begin anew"]],
  'Of a record whose end has not come `wrap` keeps the bytes, 18 KB at most, whatever the pieces in which they come.':
    [['closure/record', 'keeps no chunk of a record that is not all there, only its bytes, in one place']],
  "`unread: 'keep'` holds at most what Node buffers for the socket, also while the peer sends on behind our alert: its high-water mark, and what one read has brought.":
    [['security/resources', "unread: 'keep' holds the high-water mark and one read at most"]],
  'A peer that floods us behind our alert is read for as long as a call waits, and then until you destroy the socket.':
    [['node/floods', 'holds the time limit, keeps nothing, and lets others have their turn between 512 KB']],
  "`unread: 'discard'` keeps nothing of it.":
    [['node/floods', 'holds the time limit, keeps nothing, and lets others have their turn between 512 KB']],
  'Others have their turn behind each 512 KB.':
    [['node/floods', 'holds the time limit, keeps nothing, and lets others have their turn between 512 KB']],
  'Once TLS has failed, what comes costs no more than without us.':
    [['node/floods', 'is fed in large pieces once TLS has failed']],
  'Requests that a client has pipelined are answered in their order, if they had reached the application; the last answer says `Connection: close`, and nothing behind it reaches the application.':
    [PIPELINED],
  'Their number has no limit, in Node as in a drain: many that wait at once on one connection make Node itself slow, with a drain and without.':
    [['security/pipelined', 'looks for the newest answer once, and not at each of many that wait']],
  'Over a `Duplex` a peer can end the process of plain Node: a KeyUpdate that asks for an answer, while the `Duplex` is being ended, fails an assertion that nobody can catch (Node 20 to 26).':
    [['node/other-writes', 'a KeyUpdate that asks for an answer while a Duplex is being ended ends no process, and 1 is still told']],
  'On a socket that is watched, or closed by a call of ours, it ends nothing.':
    [['node/other-writes', 'a KeyUpdate that asks for an answer while a Duplex is being ended ends no process, and 1 is still told']],
  'A client that opens HTTP/2 streams and resets them at once does not hold a drain up.':
    [['security/pipelined', 'ends in time, ends no process, and gives nothing to the application behind the GOAWAY']],
  'A client that reads too slowly, or nothing, is cut off at `grace`.':
    [['security/pipelined', 'cuts a client off at grace that reads nothing']],
  'Please report privately to the maintainers, by "Report a vulnerability" on the security advisory page of the repository.':
    'reporting',
  'Say the Node version, the TLS version, the transport, and if you can a script that shows it.':
    'reporting',
  'Please do not open a public issue before a fix is out.':
    'reporting',
  'The newest version gets fixes.':
    'reporting',
};
