const WIDTH = 68;
const HALF = WIDTH / 2;
/** The rungs in the order of what happened; the handshake is one rung, however many records it took. */
export function ladder(entries) {
    const handshake = entries.filter((entry) => 'what' in entry && entry.what.startsWith('handshake')).length;
    const rest = entries.filter((entry) => !('what' in entry) || !entry.what.startsWith('handshake'));
    const head = `client${'relay'.padStart(HALF)}${'server'.padStart(WIDTH - HALF - 4)}`;
    return [head, between(` handshake, ${handshake} records, both ways`), ...rest.map(rung)].map((line) => `  ${line}\n`).join('');
}
function between(text) {
    return `│${text.padEnd(WIDTH)}│`;
}
function rung(entry) {
    if (!('what' in entry))
        return entry.at === 'client' ? `● ${entry.says}`.padEnd(WIDTH + 1) + '│' : `│${`${entry.says} ●`.padStart(WIDTH + 1)}`;
    const { from, what, fate } = entry;
    const label = ` ${what} `;
    if (fate === 'forged')
        return `│◀${label.padEnd(HALF - 3, '─')}✂`.padEnd(WIDTH + 1) + '│';
    const reach = fate === 'dropped' ? HALF : WIDTH;
    if (from === 'client')
        return (`├─${label}`.padEnd(reach, '─') + (fate === 'dropped' ? '✂' : '▶')).padEnd(WIDTH + 1) + '│';
    return '│' + ((fate === 'dropped' ? '✂' : '◀') + `${label}─┤`.padStart(reach, '─')).padStart(WIDTH + 1);
}
