/** What stands against a release, and what the workflows run. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const file = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const text = (path: string) => readFileSync(file(path), 'utf8');
const script = (path: string) => new URL(`../../scripts/${path}`, import.meta.url).href;

interface State {
  readonly version: string;
  readonly locked: string;
  readonly changelog: string;
  readonly changed: string;
  readonly tags: string;
  readonly tagsHere: string;
}

const { releaseProblems } = (await import(script('package/release.mjs'))) as { releaseProblems(state: State): string[] };
const { differences } = (await import(script('package/contents.mjs'))) as { differences(paths: string[], list: string): string[] };

describe('a release', () => {
  const right: State = { version: '1.2.0', locked: '1.2.0', changelog: '# Changelog\n\n## 1.2.0\n\n- New.\n\n## 1.1.0\n\n- Old.\n', changed: '', tags: 'v1.0.0\nv1.1.0', tagsHere: '' };

  it('has nothing against it', () => {
    expect(releaseProblems(right)).to.deep.equal([]);
    expect(releaseProblems({ ...right, tags: 'v1.2.0', tagsHere: 'v1.2.0' }), 'the tag is that of this commit').to.deep.equal([]);
    expect(releaseProblems({ ...right, changelog: right.changelog.replace('## 1.2.0', '## Unreleased\n\n## 1.2.0 (2030-01-02)') }), 'an empty entry').to.deep.equal([]);
  });

  const wrong: [string, Partial<State>, RegExp][] = [
    ['a version that is none', { version: '1.2', locked: '1.2', changelog: '## 1.2\n\n- New.' }, /1\.2 is none/],
    ['a lock file of another version', { locked: '1.1.0' }, /has the version 1\.1\.0/],
    ['a file that is not committed', { changed: ' M README.md' }, /not clean:\n M README\.md/],
    ['a version that was published', { tags: 'v1.2.0', tagsHere: 'v9' }, /v1\.2\.0 is the tag of another commit/],
    ['no entry in the CHANGELOG', { changelog: '## 1.2.0-beta\n\n- New.\n' }, /nothing of 1\.2\.0/],
    ['an empty entry in the CHANGELOG', { changelog: '## 1.2.0\n\n## 1.1.0\n\n- Old.\n' }, /nothing of 1\.2\.0/],
    ['an entry that waits for a version', { changelog: `## Unreleased\n\n- Newer.\n\n${right.changelog}` }, /"Unreleased"/],
  ];
  for (const [what, change, problem] of wrong) {
    it(`is refused for ${what}`, () => {
      const problems = releaseProblems({ ...right, ...change });
      expect(problems).to.have.length(1);
      expect(problems[0]).to.match(problem);
    });
  }

  it('has the files of the list, no more and no less', () => {
    const within = (folder: string) => readdirSync(file(folder), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name).slice(file('').length).replaceAll('\\', '/'));
    const paths = ['CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md', 'package.json', ...within('dist'), ...within('docs').filter((path) => !path.startsWith('docs/captures/') && !['docs/beside-openssl.md', 'docs/others-tests.md'].includes(path))];
    expect(differences(paths, text('scripts/package/contents.txt')), 'scripts/package/contents.txt').to.deep.equal([]);
    expect(differences(['a', 'b'], '# the list\na\nb  # why\n\n')).to.deep.equal([]);
    expect(differences(['a', 'secret'], 'a\nb\n')).to.deep.equal(['not on the list: secret', 'missing: b']);
  });
});

describe('the workflows', () => {
  const workflows = readdirSync(file('.github/workflows')).map((name) => `.github/workflows/${name}`);
  const { scripts } = JSON.parse(text('package.json')) as { scripts: Record<string, string> };

  for (const path of [...workflows, '.ci/run']) {
    it(`run what is there: ${path}`, () => {
      for (const [, name = ''] of text(path).matchAll(/npm run (?:-s )?([\w:-]+)/g)) expect(scripts, `npm run ${name}`).to.have.property(name);
      const programs = [...text(path).matchAll(/(build\/)?\b(scripts\/[\w./-]+)/g)].map(([, built, name = '']) => (built === undefined ? name : name.replace(/js$/, 'ts')));
      for (const name of programs) expect(existsSync(file(name)), name).to.equal(true);
    });
  }

  it('publish with provenance, after the release check, and with no rights but that', () => {
    const publish = text('.github/workflows/publish.yml');
    expect(publish).to.match(/npm run release:check[^]*npm publish --provenance/);
    expect([...publish.matchAll(/^ +([\w-]+): write$/gm)].map(([, right]) => right)).to.deep.equal(['id-token']);
  });
});
