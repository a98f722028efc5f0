/** Each link leads to a file and a heading that are there. Those of the package stay in the package; files and commands of the repository are named, and are there. */
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { PAGES, anchorsOf, exists, linksOf, prose, text } from '../support/pages.js';

const NOT_PACKED = ['docs/beside-openssl.md', 'docs/others-tests.md'];
const PACKED = [...PAGES.filter((page) => !NOT_PACKED.includes(page)), 'CHANGELOG.md', 'SECURITY.md'];
const { files, scripts } = JSON.parse(text('package.json')) as { files: string[]; scripts: Record<string, string> };
const isPacked = (path: string): boolean => ['README.md', 'LICENSE', 'package.json'].includes(path) || files.some((name) => path === name || path.startsWith(`${name}/`));

/** Nothing else is linked to: what is on the web can't be checked here. */
const ON_THE_WEB = ['https://semver.org', 'https://github.com/denoland/node_test', 'https://www.contributor-covenant.org/', 'https://keepachangelog.com'];

for (const page of [...PACKED, ...NOT_PACKED, 'CONTRIBUTING.md', 'CODE_OF_CONDUCT.md']) {
  describe(`links in ${page}`, () => {
    const links = linksOf(page);
    const inside = links.filter(({ path }) => !path.includes(':')).map(({ path, heading }) => ({ target: path === '' ? page : join(dirname(page), path), heading }));

    it('lead to files and headings that are there', () => {
      for (const { target, heading } of inside) {
        expect(exists(target), target).to.equal(true);
        if (heading !== undefined) expect(anchorsOf(target), `${target}#${heading}`).to.include(heading);
      }
    });

    it('lead to nothing on the web but what is meant', () => {
      for (const { path } of links.filter((link) => link.path.includes(':'))) expect(ON_THE_WEB.some((known) => path.startsWith(known)), path).to.equal(true);
    });

    it('and the commands that it names are there', () => {
      for (const [, name = ''] of text(page).matchAll(/npm run\s+(?:-s )?([\w:-]+)/g)) expect(scripts).to.have.property(name);
    });

    if (!PACKED.includes(page)) return;
    it('stay in the package', () => {
      for (const { target } of inside) expect(isPacked(target), `${target} is not in the package: name it, in backticks`).to.equal(true);
    });

    it('and the files of the repository that it names are there', () => {
      for (const [, path = ''] of prose(page).matchAll(/`((?:src|test|examples|scripts|bench|fixtures)\/[\w/.-]*[\w/])`/g)) expect(exists(path), path).to.equal(true);
    });
  });
}

describe('links between the pages', () => {
  it('lead from the README to each packed page of docs/', () => {
    const linked = linksOf('README.md').map(({ path }) => path);
    for (const page of PACKED.filter((one) => one.startsWith('docs/'))) expect(linked).to.include(page);
  });
});
