/** SECURITY.md as its sentences: of a table one for each row, its first two columns. Names of tests, emphasis and links are taken off. */

const TESTS = / \((?:`(?:npm run )?[\w/:-]+`(?:, )?)+\)/g;
const TEST_BEHIND = /, `\w+\/[\w-]+`\)/g;

function plain(text: string): string {
  return text.replace(/\s+/g, ' ').replace(TESTS, '').replace(TEST_BEHIND, ')').replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll('*', '');
}

function rowsOf(table: string): string[] {
  const rows = table.split('\n').slice(2).map((row) => row.slice(2, -2).split(' | '));
  return rows.map(([first = '', second = '']) => `${first}: ${second}`);
}

function sentencesOf(block: string): string[] {
  if (block.startsWith('#')) return [];
  if (block.startsWith('|')) return rowsOf(block);
  return plain(block.replace(/^- /, '')).split(/(?<=[.!?]) (?=[A-Z`'])/).map((sentence) => sentence.trim()).filter((sentence) => sentence !== '');
}

export function sentences(page: string): string[] {
  return page.split(/\n\s*\n|\n(?=- )/).flatMap((block) => sentencesOf(block.trim()));
}
