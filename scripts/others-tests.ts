/** Writes the cases of test/others/ into the table of docs/others-tests.md: `npm run others`. The tests assert what it says of ours. */
import { writeFileSync } from 'node:fs';
import { PAGE, page } from '../test/others/table.js';

writeFileSync(PAGE, page());
