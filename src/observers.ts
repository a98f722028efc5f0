/** Who waits for a change of a watch. A list by `next`: an array or a `Set` for each of thousands of sockets would be measurable. */
export interface Observer {
  next: Observer | undefined;
  onChange(): void;
}

export class Observed {
  #first: Observer | undefined;

  /** The last one of the list. */
  addObserver(observer: Observer): void {
    if (this.#first === undefined) return void (this.#first = observer);
    let last = this.#first;
    while (last.next !== undefined) last = last.next;
    last.next = observer;
  }

  /** It keeps its `next`: `tellObservers` may be at it now. */
  removeObserver(observer: Observer): void {
    if (this.#first === observer) return void (this.#first = observer.next);
    let before = this.#first;
    while (before !== undefined && before.next !== observer) before = before.next;
    if (before !== undefined) before.next = observer.next;
  }

  tellObservers(): void {
    for (let observer = this.#first; observer !== undefined; observer = observer.next) observer.onChange();
  }
}
