// Writes dist/: what the package is, and nothing else. The compiler has put the declarations of all sources there.
import { fileURLToPath } from 'node:url';
import { bundle } from './bundling.mjs';
import { writeDeclarations } from './declarations.mjs';
import { ENTRIES } from './entries.mjs';

const folder = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

await bundle(ENTRIES, folder('src'), folder('dist'));
writeDeclarations(ENTRIES, folder('dist'));
