/** What the package brings along, and whom it talks to. */
import { expect } from 'chai';
import { readdirSync } from 'node:fs';
import { file, text } from '../support/pages.js';

const { dependencies, optionalDependencies, peerDependencies, bundledDependencies, scripts } = JSON.parse(text('package.json')) as Record<string, Record<string, string>>;
const sources = readdirSync(file('src'), { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts')).sort();

/** Code without comments and texts. */
const code = (path: string): string => text(`src/${path}`).replace(/\/\*[^]*?\*\/|(?<!:)\/\/.*|'(?:[^'\\\n]|\\.)*'|`[^`]*`/g, '');

describe('the package', () => {
  it('has no dependencies at run time, and no install scripts', () => {
    expect([dependencies, optionalDependencies, peerDependencies, bundledDependencies]).to.deep.equal([undefined, undefined, undefined, undefined]);
    expect(Object.keys(scripts!).filter((name) => /^(pre|post)?install$|^(pre|post)?prepare$/.test(name))).to.deep.equal([]);
  });

  it('connects to nobody but whom probe is told to ask, listens in serve only, and puts TLS over sockets that it is given', () => {
    const those = (pattern: RegExp): string[] => sources.filter((path) => pattern.test(code(path)));
    expect(those(/\b(?:net|http|https|http2|tls)\.(?:connect|createConnection|request|get)\(|\bfetch\(|\bdns\./)).to.deep.equal(['probe/dial.ts', 'probe/tap.ts', 'wrap/wrap.ts']);
    expect(code('wrap/wrap.ts').match(/tls\.connect\([^)]*\)/g)).to.deep.equal(['tls.connect({ ...options, socket: carrier })']);
    expect(those(/\.listen\(/)).to.deep.equal(['probe/serve/serve.ts']);
  });

  it('runs no program but openssl, in serve', () => {
    expect(sources.filter((path) => /from 'node:child_process'|\b(?:require|import|getBuiltinModule)\('(?:node:)?child_process/.test(text(`src/${path}`)))).to.deep.equal(['probe/serve/certificate.ts']);
    expect(text('src/probe/serve/certificate.ts')).to.match(/'openssl'/);
  });

  it('is tested on each version of Node that the page names', () => {
    const [, named = ''] = /It was checked on Node ([\d., and]+)\./.exec(text('SECURITY.md')) ?? [];
    const versions = [...named.matchAll(/(\d+)\.\d+/g)].map(([, major]) => major);
    const [, tested = ''] = /node: \[([\d, ]+)\]/.exec(text('.github/workflows/ci.yml')) ?? [];
    expect(versions).to.have.length(4).and.to.deep.equal(tested.split(', '));
  });

  it('has no key in it', () => {
    const packed = readdirSync(file('dist'), { recursive: true, encoding: 'utf8' }).filter((path) => /\.\w+$/.test(path)).map((path) => `dist/${path}`);
    expect(packed.length).to.be.greaterThan(5);
    for (const path of [...packed, 'README.md', 'SECURITY.md', 'CHANGELOG.md', ...readdirSync(file('docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)]) {
      expect(text(path), path).not.to.match(/-----BEGIN [A-Z ]*PRIVATE KEY-----\s*\n?[A-Za-z0-9+/=]{20}/);
    }
  });
});
