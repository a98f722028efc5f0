/** Line by line, as SMTP and FTP talk. Nothing is read ahead: what comes behind a line stays in the stream, where `wrap` finds it. */
import { once } from 'node:events';
import type { Duplex } from 'node:stream';

/** The next line, without its end. */
export async function readLine(stream: Duplex): Promise<string> {
  let line = '';
  while (!line.endsWith('\n')) {
    const chunk = stream.read() as Buffer | null;
    if (chunk === null) {
      if (!stream.readable) throw new Error('the connection has ended');
      await once(stream, 'readable');
      continue;
    }
    const length = chunk.indexOf('\n') + 1 || chunk.length;
    if (length < chunk.length) stream.unshift(chunk.subarray(length));
    line += chunk.toString('latin1', 0, length);
  }
  return line.trimEnd();
}

/** A whole answer: all its lines but the last one have a hyphen behind the number. */
export async function readReply(stream: Duplex): Promise<string> {
  const line = await readLine(stream);
  return line[3] === '-' ? `${line}\n${await readReply(stream)}` : line;
}

/** Sends a command and gives the answer. */
export async function ask(stream: Duplex, command: string): Promise<string> {
  stream.write(`${command}\r\n`);
  return readReply(stream);
}

/** Waits for a command, which has to be `expected`, and answers it. */
export async function answer(stream: Duplex, expected: string | RegExp, reply: string): Promise<void> {
  const command = await readLine(stream);
  const isExpected = typeof expected === 'string' ? command === expected : expected.test(command);
  stream.write(isExpected ? `${reply}\r\n` : `500 not ${command}\r\n`);
}
