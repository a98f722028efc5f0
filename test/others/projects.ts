/** All projects, and their cases. */
import { CPYTHON_ASYNCIO } from './cpython-asyncio.js';
import { CPYTHON_SSL } from './cpython-ssl.js';
import { CPYTHON_SSLPROTO } from './cpython-sslproto.js';
import { GO_HTTP } from './go-http.js';
import { GO } from './go.js';
import { NETTY } from './netty.js';
import { NODE_DESTROYED } from './node-destroyed.js';
import { NODE_HTTPS } from './node-https.js';
import { NODE } from './node.js';
import type { Project } from './row.js';
import { RUSTLS } from './rustls.js';

export const PROJECTS: readonly Project[] = [
  { name: 'CPython', rows: [...CPYTHON_SSL, ...CPYTHON_SSLPROTO, ...CPYTHON_ASYNCIO] },
  { name: 'rustls', rows: RUSTLS },
  { name: 'Go', rows: [...GO, ...GO_HTTP] },
  { name: 'Netty', rows: NETTY },
  { name: 'Node', rows: [...NODE, ...NODE_DESTROYED, ...NODE_HTTPS] },
];
