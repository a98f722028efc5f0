/** The first words of a client of each database, up to the login through TLS, and its last. What is between them is left to the examples. */
import { once } from 'node:events';
import net from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterThisTest } from './cleanup.js';
import { connect, type Version } from './ends.js';

export type Login = (port: number, version: Version) => Promise<TLSSocket>;

/** Reads until `end` comes. */
async function readUntil(socket: net.Socket, end: string): Promise<void> {
  for (let text = ''; !text.includes(end); ) text += String(((await once(socket, 'data')) as [Buffer])[0].toString('latin1'));
}

async function connectPlain(port: number): Promise<net.Socket> {
  const socket = net.connect(port, '127.0.0.1');
  afterThisTest(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** A message of PostgreSQL's first phase: its length, a number, and text. */
function postgresStart(number: number, text = ''): Buffer {
  const message = Buffer.alloc(8 + text.length, text.padStart(text.length + 8), 'latin1');
  message.writeUInt32BE(message.length);
  message.writeUInt32BE(number, 4);
  return message;
}

const SSL_REQUEST = 80877103;
const PROTOCOL_3_0 = 196608;

export const loginToPostgres: Login = async (port, version) => {
  const plain = await connectPlain(port);
  plain.write(postgresStart(SSL_REQUEST));
  await readUntil(plain, 'S');
  const socket = await connect(port, version, { socket: plain });
  socket.write(postgresStart(PROTOCOL_3_0, 'user\0postgres\0database\0postgres\0\0'));
  await readUntil(socket, 'Z\0\0\0\x05I'); // ReadyForQuery
  return socket;
};

export const POSTGRES_TERMINATE = Buffer.from('X\0\0\0\x04', 'latin1');

export const loginToRedis: Login = async (port, version) => {
  const socket = await connect(port, version);
  socket.write('PING\r\n');
  await readUntil(socket, '+PONG\r\n');
  return socket;
};

export const REDIS_QUIT = Buffer.from('QUIT\r\n');

/** LONG_PASSWORD, PROTOCOL_41, SSL, SECURE_CONNECTION */
const CAPABILITIES = 0x1 | 0x200 | 0x800 | 0x8000;

/** The beginning of both packets of MariaDB's login: capabilities, the size of a packet, a character set. With it the packet is complete for SSLRequest. */
function mariadbLogin(number: number, rest = ''): Buffer {
  const packet = Buffer.alloc(4 + 32 + rest.length);
  packet.writeUIntLE(32 + rest.length, 0, 3);
  packet[3] = number;
  packet.writeUInt32LE(CAPABILITIES, 4);
  packet.writeUInt32LE(0x1000000, 8);
  packet[12] = 45; // utf8mb4
  packet.write(rest, 36, 'latin1');
  return packet;
}

export const loginToMariaDB: Login = async (port, version) => {
  const plain = await connectPlain(port);
  await once(plain, 'data'); // its greeting
  plain.write(mariadbLogin(1));
  const socket = await connect(port, version, { socket: plain });
  socket.write(mariadbLogin(2, 'root\0\0')); // no password
  await readUntil(socket, '\0\0\x03\0'); // OK
  return socket;
};

export const MARIADB_QUIT = Buffer.from('\x01\0\0\0\x01', 'latin1');
