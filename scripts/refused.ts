/** Which failed requests of Node's HTTP/2 client may be sent again, whatever their method: no server has acted on them. */
import { constants, type ClientHttp2Stream } from 'node:http2';

/** A stream that the server has refused (RFC 9113 section 8.7), by its GOAWAY or by a reset, or that never got an id, and so was never sent. */
export const isRefused = (stream: ClientHttp2Stream): boolean => stream.pending || stream.rstCode === constants.NGHTTP2_REFUSED_STREAM;

/** What `session.request()` throws behind a GOAWAY (Node 20 and 22; later ones destroy the stream with it). */
export const isTooLate = (error: unknown): boolean => ['ERR_HTTP2_GOAWAY_SESSION', 'ERR_HTTP2_INVALID_SESSION'].includes((error as NodeJS.ErrnoException).code ?? '');
