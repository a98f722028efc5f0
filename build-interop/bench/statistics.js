function at(values, share) {
    const sorted = [...values].sort((a, b) => a - b);
    return sorted[Math.floor((sorted.length - 1) * share)] ?? NaN;
}
export const median = (values) => at(values, 0.5);
export const lowerQuartile = (values) => at(values, 0.25);
