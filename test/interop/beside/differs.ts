/** When OpenSSL and the library differ. */
import type { Cells } from './table.js';

/** The values and errors of the calls, and what came after them. */
interface Calls {
  readonly calls: readonly string[];
  readonly after: string;
}

/** Words in brackets before a call are SSL_read's; those behind it say what was left to read. Where it has failed, its error is that of the call behind it: the manual forbids to make it. */
function callsOf(text: string): Calls {
  const [calls = '', after = ''] = text.split('; ');
  let hasFailed = false;
  const callOf = (call: string): string => {
    const [, read = '', own = ''] = /^(?:\[(.*)\] )?(.*)$/.exec(call)!;
    const [failure] = /\b(SSL|SYSCALL)$/.exec(read) ?? [];
    if (failure === undefined || hasFailed || !own.startsWith('-1')) return own.replace(/ \w+ \((\w+)\)$/, ' $1').replace(/ \[.*\]$/, '');
    hasFailed = true;
    return `-1 ${failure}`;
  };
  return { calls: calls.split(', ').map(callOf), after };
}

/** By each call where neither reads, and by the last one where both do. */
export function differs(cells: Cells): boolean {
  const [plain, reading, steps, bidirectional] = cells.slice(0, 4).map(callsOf) as [Calls, Calls, Calls, Calls];
  return plain.calls.join() !== steps.calls.join() || plain.after !== steps.after || reading.calls.at(-1) !== bidirectional.calls.at(-1) || reading.after !== bidirectional.after;
}
