/** What to send: the user's text, the goodbye of a protocol, or HTTP. */
import type { Protocol } from '../starttls.js';
import { goodbyeName } from '../starttls.js';
import { authorityOf, type Target } from '../target.js';
import { USER_AGENT } from '../version.js';
import { http1Request } from './http1.js';
import { http2Request } from './http2.js';
import type { Authority, Request, Wish } from './request.js';
import { textRequest } from './text.js';

/** `alpn` is what the server has chosen. `undefined` if nothing is known that this server would answer. */
export function chooseRequest(target: Target, alpn: string | false | null, wish: Wish): Request | undefined {
  const { send, protocol, host, servername } = target;
  if (send !== undefined) return textRequest(send);
  if (protocol !== undefined) return wish === 'keep' ? undefined : goodbyeRequest(protocol, servername || host);
  const authority: Authority = { authority: authorityOf(target), name: servername || host };
  if (alpn === 'h2') return http2Request(authority, wish, USER_AGENT);
  if (typeof alpn === 'string' && alpn !== '' && !alpn.startsWith('http/')) return undefined;
  return http1Request(authority, wish, USER_AGENT);
}

function goodbyeRequest(protocol: Protocol, name: string): Request {
  const goodbye = protocol.goodbye(name);
  return textRequest(goodbye[0], goodbyeName(goodbye));
}
