/** What a test has opened, closed again whatever became of the test. */
const closers = [];
/** Runs `closer` after the current test; the last one first. */
export function afterThisTest(closer) {
    closers.push(closer);
}
/** To be given to `afterEach`. */
export async function cleanUp() {
    for (const closer of closers.splice(0).reverse())
        await closer();
}
