/** What a peer sends is not to be trusted with a terminal. */

const NAMES: Readonly<Record<string, string>> = { '\r': '\\r', '\n': '\\n', '\t': '\\t', '\\': '\\\\' };

const DOTS = '...';

/** `bytes` as one line of printable ASCII: the rest is escaped as in a string literal. At most `limit` characters; three dots say that there was more. */
export function escaped(bytes: Buffer | string, limit = 60): string {
  const text = typeof bytes === 'string' ? bytes : bytes.toString('latin1');
  const pieces: string[] = [];
  let length = 0;
  for (const character of text) {
    const piece = escapedCharacter(character);
    pieces.push(piece);
    length += piece.length;
    if (length > limit) return shortened(pieces, limit);
  }
  return pieces.join('');
}

function shortened(pieces: string[], limit: number): string {
  let length = pieces.join('').length;
  while (length > limit - DOTS.length) length -= pieces.pop()!.length;
  return pieces.join('') + DOTS;
}

function escapedCharacter(character: string): string {
  if (/^[ -[\]-~]$/.test(character)) return character;
  const code = character.codePointAt(0)!;
  return NAMES[character] ?? (code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`);
}

/** The other way round, for what a user types: `\r`, `\n`, `\t`, `\0`, `\\` and `\xHH`. `undefined` if there is a backslash before anything else. */
export function unescaped(text: string): string | undefined {
  const known: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t', '0': '\0', '\\': '\\' };
  let wrong = false;
  const bytes = text.replace(/\\(?:x([0-9a-fA-F]{2})|([^]?))/g, (_all: string, hex: string | undefined, letter: string | undefined) => {
    if (hex !== undefined) return String.fromCharCode(parseInt(hex, 16));
    wrong ||= known[letter ?? ''] === undefined;
    return known[letter ?? ''] ?? '';
  });
  return wrong ? undefined : bytes;
}
