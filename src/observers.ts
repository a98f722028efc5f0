/** Who waits for a change. There is mostly one, so a `Set` for each socket would be measurable. */
export interface Observer {
  onChange(): void;
}

const NOBODY: readonly Observer[] = [];

export class Observers {
  #list: readonly Observer[] = NOBODY;

  add(observer: Observer): void {
    this.#list = this.#list === NOBODY ? [observer] : [...this.#list, observer]; // a new array: tellAll may be going over the old one
  }

  /** `observer` is one of them. */
  remove(observer: Observer): void {
    this.#list = this.#list.length === 1 ? NOBODY : this.#list.filter((other) => other !== observer);
  }

  tellAll(): void {
    const list = this.#list;
    for (let i = 0; i < list.length; i++) list[i]!.onChange(); // for-of costs three to five times this before it is compiled
  }
}
