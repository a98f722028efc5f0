/** Seeded chance. */
export interface Chance {
  (): number;
  below(n: number): number;
  pick<T>(list: readonly T[]): T;
  bytes(length: number): Buffer;
  /** `bytes` in pieces of random sizes. */
  pieces(bytes: Buffer): Buffer[];
}

/** mulberry32: small, seeded, good enough to choose with. */
export function chance(seed: number): Chance {
  let state = seed;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n: number): number => Math.floor(next() * n);
  const pieces = (bytes: Buffer): Buffer[] => {
    const largest = [1, 6, 100, 2000, 40_000, bytes.length][below(6)]!;
    const list: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      const length = list.length > 60 ? bytes.length : 1 + below(largest);
      list.push(bytes.subarray(at, at + length));
      at += length;
    }
    return list;
  };
  return Object.assign(next, { below, pick: <T>(list: readonly T[]): T => list[below(list.length)]!, bytes: (length: number) => Buffer.from(Array.from({ length }, () => below(256))), pieces });
}
