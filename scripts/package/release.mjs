// What stands against a release, as far as it can be read.

const VERSION = /^\d+\.\d+\.\d+(?:-[\w.]+)?$/;

/** The text below the heading `## TITLE`, up to the next one; `undefined` if there is none. */
function section(changelog, title) {
  const sections = changelog.split(/^## /m).slice(1);
  const found = sections.find((text) => text.split('\n')[0].split(' ')[0] === title);
  return found?.slice(found.indexOf('\n')).trim();
}

/**
 * @param changed what `git status --porcelain` prints
 * @param tags all of them, a line each; `tagsHere` those of this commit
 */
export function releaseProblems({ version, locked, changelog, changed, tags, tagsHere }) {
  const problems = [];
  const tag = `v${version}`;
  const has = (list, name) => list.split('\n').includes(name);
  if (!VERSION.test(version)) problems.push(`the version ${version} is none of semantic versioning`);
  if (locked !== version) problems.push(`package-lock.json has the version ${locked}: run \`npm install --package-lock-only\``);
  if (changed !== '') problems.push(`the tree is not clean:\n${changed}`);
  if (has(tags, tag) && !has(tagsHere, tag)) problems.push(`${tag} is the tag of another commit: this version has been published`);
  if (!section(changelog, version)) problems.push(`CHANGELOG.md says nothing of ${version}`);
  if (section(changelog, 'Unreleased')) problems.push('CHANGELOG.md still has an entry "Unreleased": give it the version');
  return problems;
}
