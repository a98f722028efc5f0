// May this be published? `npm run release:check`: a clean tree, a new version that the CHANGELOG tells of, exactly the files that are meant, and no complaint
// of publint or attw. It publishes nothing: that is done by .github/workflows/publish.yml, when a tag is pushed.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkContents } from './package/contents.mjs';
import { tryLinters } from './package/linters.mjs';
import { Stranger, check, npm, pack, root } from './package/stranger.mjs';
import { releaseProblems } from './package/release.mjs';

const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trimEnd();
const read = (path) => readFileSync(join(root, path), 'utf8');

const { version } = JSON.parse(read('package.json'));
const problems = releaseProblems({
  version,
  locked: JSON.parse(read('package-lock.json')).version,
  changelog: read('CHANGELOG.md'),
  changed: git('status', '--porcelain'),
  tags: git('tag', '--list'),
  tagsHere: git('tag', '--points-at', 'HEAD'),
});
if (problems.length > 0) {
  console.error(`${version} can't be published:\n${problems.map((problem) => `- ${problem}`).join('\n')}`);
  process.exitCode = 1;
} else {
  check(`${version} is new, the tree is clean, and the CHANGELOG tells of it`);
  npm(['run', '-s', 'build'], root);
  const stranger = new Stranger();
  try {
    const packed = pack(stranger.folder);
    checkContents(packed);
    stranger.install(fileURLToPath(new URL('package/project', import.meta.url)), packed.tarball);
    await tryLinters(stranger, packed.tarball);
  } finally {
    stranger.remove();
  }
  check('nothing has changed by that', git('status', '--porcelain') === '');
}
