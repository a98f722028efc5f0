/** Waiting for a condition of something that tells when it has changed. */
export class Conditions {
  readonly #watchers = new Set<() => void>();

  /** Resolves as soon as `condition` holds; looks at every `changed()`. */
  async until(condition: () => boolean): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve) => {
      const watcher = (): void => {
        if (!condition()) return;
        this.#watchers.delete(watcher);
        resolve();
      };
      this.#watchers.add(watcher);
    });
  }

  changed(): void {
    for (const watcher of this.#watchers) watcher();
  }
}
