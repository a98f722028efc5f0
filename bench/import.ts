/** What does importing the package add to importing node:tls? Fresh processes in turn; medians of 20, in milliseconds. */
import { execFileSync } from 'node:child_process';
import { median } from './statistics.js';

const program = (what: string): string => `const start = performance.now(); ${what}; console.log(performance.now() - start)`;
const time = (what: string): number => {
  const args = ['--input-type=module', '-e', `await import('node:tls'); await import(${JSON.stringify(import.meta.resolve('./statistics.js'))}); ${program(what)}`];
  return Number(execFileSync(process.execPath, args, { encoding: 'utf8', cwd: new URL('../..', import.meta.url) }));
};

const times = Array.from({ length: 20 }, () => time("await import('tls-graceful-shutdown')"));
console.log(`node ${process.version}: importing tls-graceful-shutdown after node:tls takes ${median(times).toFixed(1)} ms (another module was loaded before)`);
