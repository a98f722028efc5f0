/** Cipher suites, for somebody who has the keys of a connection: how each protects a record, and how an endpoint is limited to it. */
import { once } from 'node:events';
import tls, { TLSSocket, type SecureContext, type SecureContextOptions } from 'node:tls';
import { certificate, type Side, type Version } from './pair.js';
import { wire } from './wire.js';

export interface Suite {
  readonly version: Version;
  /** Of the key schedule. */
  readonly hash: 'sha256' | 'sha384';
  /** For `createCipheriv`. */
  readonly cipher: 'aes-128-gcm' | 'aes-256-gcm' | 'aes-128-ccm' | 'chacha20-poly1305' | 'aes-128-cbc' | 'aes-256-cbc';
  readonly keyBytes: 16 | 32;
  /** Of an AEAD. */
  readonly tagBytes: 8 | 16;
  /** Of CBC. */
  readonly mac?: { readonly hash: 'sha1' | 'sha256' | 'sha384'; readonly bytes: number; readonly isOfCiphertext: boolean };
  /** Of both endpoints. */
  readonly limits: SecureContextOptions;
}

/** `SSL_OP_NO_ENCRYPT_THEN_MAC`, which `crypto.constants` does not have. */
const NO_ENCRYPT_THEN_MAC = 1 << 19;

/** OpenSSL takes a tag of 8 bytes for too weak, from its security level 1 on. */
const limited = (version: Version, ciphers: string, secureOptions = 0): SecureContextOptions => ({
  minVersion: version,
  maxVersion: version,
  ciphers: version === 'TLSv1.3' ? `${ciphers}:ALL:@SECLEVEL=0` : `${ciphers}:@SECLEVEL=0`,
  secureOptions,
});

function aead(version: Version, ciphers: string, cipher: Suite['cipher'], tagBytes: Suite['tagBytes'] = 16): Suite {
  const keyBytes = /256|chacha/.test(cipher) ? 32 : 16;
  return { version, hash: ciphers.endsWith('SHA384') ? 'sha384' : 'sha256', cipher, keyBytes, tagBytes, limits: limited(version, ciphers) };
}

const MAC_BYTES = { sha1: 20, sha256: 32, sha384: 48 } as const;

/** TLS 1.2 only. */
function cbc(ciphers: string, macHash: keyof typeof MAC_BYTES, isOfCiphertext: boolean): Suite {
  const keyBytes = ciphers.includes('AES256') ? 32 : 16;
  return {
    version: 'TLSv1.2',
    hash: macHash === 'sha384' ? 'sha384' : 'sha256',
    cipher: keyBytes === 32 ? 'aes-256-cbc' : 'aes-128-cbc',
    keyBytes,
    tagBytes: 16,
    mac: { hash: macHash, bytes: MAC_BYTES[macHash], isOfCiphertext },
    limits: limited('TLSv1.2', ciphers, isOfCiphertext ? 0 : NO_ENCRYPT_THEN_MAC),
  };
}

export const SUITES: Readonly<Record<string, Suite>> = {
  TLS_AES_128_GCM_SHA256: aead('TLSv1.3', 'TLS_AES_128_GCM_SHA256', 'aes-128-gcm'),
  TLS_AES_256_GCM_SHA384: aead('TLSv1.3', 'TLS_AES_256_GCM_SHA384', 'aes-256-gcm'),
  TLS_CHACHA20_POLY1305_SHA256: aead('TLSv1.3', 'TLS_CHACHA20_POLY1305_SHA256', 'chacha20-poly1305'),
  TLS_AES_128_CCM_SHA256: aead('TLSv1.3', 'TLS_AES_128_CCM_SHA256', 'aes-128-ccm'),
  TLS_AES_128_CCM_8_SHA256: aead('TLSv1.3', 'TLS_AES_128_CCM_8_SHA256', 'aes-128-ccm', 8),
  'ECDHE-RSA-AES128-GCM-SHA256': aead('TLSv1.2', 'ECDHE-RSA-AES128-GCM-SHA256', 'aes-128-gcm'),
  'ECDHE-RSA-AES256-GCM-SHA384': aead('TLSv1.2', 'ECDHE-RSA-AES256-GCM-SHA384', 'aes-256-gcm'),
  'ECDHE-RSA-CHACHA20-POLY1305': aead('TLSv1.2', 'ECDHE-RSA-CHACHA20-POLY1305', 'chacha20-poly1305'),
  'AES128-CCM': aead('TLSv1.2', 'AES128-CCM', 'aes-128-ccm'),
  'AES128-CCM8': aead('TLSv1.2', 'AES128-CCM8', 'aes-128-ccm', 8),
  'ECDHE-RSA-AES128-SHA': cbc('ECDHE-RSA-AES128-SHA', 'sha1', true),
  'ECDHE-RSA-AES256-SHA384': cbc('ECDHE-RSA-AES256-SHA384', 'sha384', true),
  'ECDHE-RSA-AES128-SHA without encrypt-then-mac': cbc('ECDHE-RSA-AES128-SHA', 'sha1', false),
  'ECDHE-RSA-AES128-SHA256 without encrypt-then-mac': cbc('ECDHE-RSA-AES128-SHA256', 'sha256', false),
};

/** What is taken where nothing is said of suites. */
export const COMMON = { 'TLSv1.2': SUITES['ECDHE-RSA-AES128-GCM-SHA256']!, 'TLSv1.3': SUITES['TLS_AES_128_GCM_SHA256']! } as const;

/** So that any server resumes the session of any other one. */
const RESUMABLE = { ticketKeys: Buffer.alloc(48, 'ticket'), sessionIdContext: 'tests', sessionTimeout: 86_400 } as const;

/** Of a server that is limited to it. */
export function serverOptions({ limits }: Suite): SecureContextOptions {
  return { ...certificate, ...limits, ...RESUMABLE };
}

const contexts = new Map<string, SecureContext>();

/** Of an endpoint that is limited to it. */
export function contextOf(role: Side, suite: Suite): SecureContext {
  const { ciphers, secureOptions } = suite.limits;
  const key = `${role} ${ciphers} ${secureOptions}`;
  const context = contexts.get(key) ?? tls.createSecureContext(role === 'server' ? serverOptions(suite) : suite.limits);
  contexts.set(key, context);
  return context;
}

/** Options of a client. OpenSSL resumes a session only under the name that it was begun with (Node 22 to 26). */
export interface Session {
  readonly session: Buffer;
  readonly servername: string;
}

const sessions = new Map<Suite, Promise<Session>>();

/** What a client has from an earlier connection. Any server takes it, and more than once. */
export function sessionOf(suite: Suite): Promise<Session> {
  const session = sessions.get(suite) ?? firstSession(suite);
  sessions.set(suite, session);
  return session;
}

async function firstSession(suite: Suite): Promise<Session> {
  const servername = 'localhost';
  const [a, b] = wire();
  const server = new TLSSocket(b as never, { isServer: true, secureContext: contextOf('server', suite) });
  const client = tls.connect({ socket: a, servername, rejectUnauthorized: false, secureContext: contextOf('client', suite) });
  const [session] = (await once(client.resume(), 'session')) as [Buffer];
  server.destroy();
  client.destroy();
  return { session, servername };
}
