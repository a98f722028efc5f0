/** The next `count` uncaught exceptions, which mocha does not hear of. */
export async function uncaught(count: number): Promise<unknown[]> {
  const listeners = process.rawListeners('uncaughtException') as NodeJS.UncaughtExceptionListener[];
  for (const listener of listeners) process.off('uncaughtException', listener); // mocha's
  const errors: unknown[] = [];
  await new Promise<void>((resolve) => {
    process.on('uncaughtException', function hear(error) {
      if (errors.push(error) < count) return;
      process.off('uncaughtException', hear);
      resolve();
    });
  });
  for (const listener of listeners) process.on('uncaughtException', listener);
  return errors;
}
