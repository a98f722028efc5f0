/** Writes what OpenSSL and the library return on this Node into the table of docs/beside-openssl.md: `npm run beside`, once on each version. */
import { writeFileSync } from 'node:fs';
import { Beside } from '../test/interop/beside/beside.js';
import { SECTIONS, type Section } from '../test/interop/beside/behaviours.js';
import { PAGE, Table } from '../test/interop/beside/table.js';

const beside = new Beside();
const table = new Table();
for (const [when, behaviours] of Object.entries(SECTIONS)) {
  for (const behaviour of behaviours) {
    const lines = table.update(when as Section, behaviour, await beside.measure(behaviour));
    console.log(lines.join('\n'));
  }
}
writeFileSync(PAGE, table.page());
await beside.stop();
