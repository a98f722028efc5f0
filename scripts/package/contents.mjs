// What is in the package, exactly, and how large it is.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { check, root } from './stranger.mjs';

const MOST_BYTES = 130_000;

/** How `paths` differ from the list; empty if they don't. A line of it is a path, `#` begins a comment. */
export function differences(paths, list) {
  const wanted = list.split('\n').map((line) => line.replace(/#.*/, '').trim()).filter((line) => line !== '');
  const more = paths.filter((path) => !wanted.includes(path)).map((path) => `not on the list: ${path}`);
  const less = wanted.filter((path) => !paths.includes(path)).map((path) => `missing: ${path}`);
  return [...more, ...less];
}

export function checkContents({ paths, size, unpackedSize }) {
  const different = differences(paths, readFileSync(new URL('contents.txt', import.meta.url), 'utf8'));
  if (different.length > 0) throw new Error(`the package is not what scripts/package/contents.txt says:\n  ${different.join('\n  ')}`);
  check(`the package has the ${paths.length} files of the list`);
  check(`at most ${MOST_BYTES / 1000} kB packed (${size} bytes; ${unpackedSize} unpacked)`, size <= MOST_BYTES);
  const { dependencies, peerDependencies, optionalDependencies, scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  check('no dependency at run time', dependencies === undefined && peerDependencies === undefined && optionalDependencies === undefined);
  check('no script that runs when it is installed', !['preinstall', 'install', 'postinstall', 'prepare'].some((name) => name in scripts));
}
