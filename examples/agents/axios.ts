/** axios with an agent of its own, drained while requests run and wait. Without `httpsAgent` it uses `https.globalAgent`, which is drained in the same way. */
import assert from 'node:assert/strict';
import https from 'node:https';
import axios from 'axios';
import { drainAgent } from 'tls-graceful-shutdown';
import { startOrigin } from '../support/origin.js';

const origin = await startOrigin();
const agent = new https.Agent({ keepAlive: true, maxSockets: 2, ca: origin.ca });
const client = axios.create({ httpsAgent: agent });

const answers = Promise.all([1, 2, 3].map(async () => (await client.get<string>(origin.url)).data));
await origin.asked();
const report = await drainAgent(agent);

console.log(`${(await answers).length} answers; ${report.total} connections, ${report.complete} complete`);
assert.deepEqual([await answers, report.complete], [['answer', 'answer', 'answer'], report.total]);
origin.close();
