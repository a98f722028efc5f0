// attw: do the types say what import and require really give, in each way that TypeScript resolves a package? publint: is package.json right?
import { check } from './stranger.mjs';

export async function tryLinters(stranger, tarball) {
  await stranger.node(stranger.path('node_modules/@arethetypeswrong/cli/dist/index.js'), tarball);
  check('attw has no complaint');
  await stranger.node(stranger.path('node_modules/publint/src/cli.js'), 'run', '--strict', tarball);
  check('publint has no complaint');
}
