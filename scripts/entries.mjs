// What the package is entered by. Each has a line here, and one in `exports` and `typesVersions` (or in `bin`) of package.json.
//
// `name`: dist/NAME.cjs, dist/NAME.js and their types. `source`: its file in src/. The first is the main one: what it is made of is in its implementation,
// and the others take that from there, so that classes and state are the same whatever a program imports. `over`: it takes from that one, too. `program`: it is run,
// and has no names and no types.
export const ENTRIES = [
  { name: 'index', source: 'index.ts' },
  { name: 'register', source: 'register.ts' },
  { name: 'probe', source: 'probe/index.ts' },
  { name: 'cli', source: 'probe/cli/main.ts', program: true, over: 'probe' },
];
