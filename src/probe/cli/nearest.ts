/** What was probably meant. */

/** The one of `names` that takes the fewest changes to get to, if that is few for its length. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  const ranked = names.map((each) => ({ each, changes: distance(name, each) })).sort((a, b) => a.changes - b.changes);
  const best = ranked[0];
  return best !== undefined && best.changes <= Math.max(1, Math.floor(best.each.length / 3)) ? best.each : undefined;
}

export function didYouMean(name: string, names: readonly string[], prefix = ''): string {
  const meant = nearest(name, names);
  return meant === undefined ? '' : `. Did you mean ${prefix}${meant}?`;
}

/** Letters to insert, take out, change or swap. */
function distance(from: string, to: string): number {
  const rows = [Array.from({ length: to.length + 1 }, (_, column) => column)];
  for (let row = 1; row <= from.length; row++) {
    const cells = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      const changed = rows[row - 1]![column - 1]! + (same ? 0 : 1);
      cells.push(Math.min(changed, rows[row - 1]![column]! + 1, cells[column - 1]! + 1, swapped ? rows[row - 2]![column - 2]! + 1 : Infinity));
    }
    rows.push(cells);
  }
  return rows[from.length]![to.length]!;
}
