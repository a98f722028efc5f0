/** What a fault proxy can do to one record on its way, or to the FIN. A fault is plain data, so that a script of them can be printed, replayed and shrunk. */
import { chance } from './random.js';

/** `toUs`: from the peer to our socket. */
export type LaneName = 'toUs' | 'toPeer';

export const OPS = [
  'cut', // the record up to a byte, then a forged FIN and nothing more
  'reset', // the same with a RST
  'drop',
  'mute', // from here on nothing passes, nor the FIN
  'mute but FIN', // from here on nothing passes but the FIN
  'delay',
  'coalesce', // with the record behind it, or with the FIN
  'split',
  'window', // from here on byte by byte, one a turn
  'duplicate',
  'reorder', // with the record behind it
  'corrupt', // a bit
  'inject', // bytes before, inside or behind it
  'inject back', // bytes towards its sender, who may then send a fatal alert
  'fatal alert', // of any number, authentic, behind it, and anything behind that: the peer itself, or an endpoint that was provoked to it
] as const;
export type Op = (typeof OPS)[number];

export interface Fault {
  readonly lane: LaneName;
  /** The number of a record, from the first behind the handshake; or the first alert; or the sender's FIN. */
  readonly at: number | 'alert' | 'fin';
  readonly op: Op;
  /** Which byte, how long, which injection. */
  readonly n: number;
}

/** They change when the bytes arrive, never which. */
const HARMLESS: readonly Op[] = ['delay', 'coalesce', 'split', 'window'];

export function isHarmless({ op }: Fault): boolean {
  return HARMLESS.includes(op);
}

const record = (type: number, ...body: number[]): Buffer => Buffer.from([type, 3, 3, 0, body.length, ...body]);

/** What can be put on the line without keys, from the number of a fault. `earlier` is a record that has passed in the same direction. */
export function injectionOf(n: number, earlier: Buffer): Buffer {
  const random = chance(n);
  const kinds: (() => Buffer)[] = [
    () => record(21, 1, 0), // close_notify in the clear
    () => record(21, 2, random.below(256)), // a fatal alert in the clear
    () => record(21, ...random.bytes(26)), // as an encrypted alert of TLS 1.2 looks
    () => record(23, ...random.bytes(19)), // and one of TLS 1.3
    () => record(23, ...random.bytes(17 + random.below(300))),
    () => record(23),
    () => record(20, 1), // change_cipher_spec
    () => record(22, 0, 0, 0, 0), // hello_request
    () => record(24, ...random.bytes(random.below(20))),
    () => Buffer.from([0x17]),
    () => Buffer.from([23, 3, 3]),
    () => Buffer.from([23, 3, 3, 0x40, 0]), // the header of a record that never comes
    () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
    () => random.bytes(1 + random.below(100)),
    () => earlier,
  ];
  return random.pick(kinds)();
}
