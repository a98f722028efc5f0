/** What a test has opened, closed again whatever became of the test. */

type Closer = () => unknown;

const closers: Closer[] = [];

/** Runs `closer` after the current test; the last one first. */
export function afterThisTest(closer: Closer): void {
  closers.push(closer);
}

/** To be given to `afterEach`. */
export async function cleanUp(): Promise<void> {
  for (const closer of closers.splice(0).reverse()) await closer();
}
