function at(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * share)] ?? NaN;
}

export const median = (values: readonly number[]): number => at(values, 0.5);
export const lowerQuartile = (values: readonly number[]): number => at(values, 0.25);
