/** Modules of Node that only some programs need. They are loaded when they are first used, not when this package is imported. */
import type cluster from 'node:cluster';
import type http from 'node:http';
import type https from 'node:https';

export const loaded = {
  get http(): typeof http {
    return process.getBuiltinModule('node:http');
  },
  get https(): typeof https {
    return process.getBuiltinModule('node:https');
  },
  get cluster(): typeof cluster {
    return process.getBuiltinModule('node:cluster') as unknown as typeof cluster;
  },
};
