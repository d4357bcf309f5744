import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtForTest } from './built';

/** Answers "ready" and shows its settings; ends with its standard input, as the real entries do. */
const api = `
const http = require('node:http');
const server = http.createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(request.url === '/_miroir/ready' ? {} : process.env));
});
server.listen(Number(process.env.MIROIR_API_PORT), process.env.MIROIR_API_HOST);
process.stdin.on('end', () => process.exit(0)).resume();
`;
const worker = `process.stdin.on('end', () => process.exit(0)).resume(); setInterval(() => {}, 60000);`;

/**
 * A compiled program whose api and worker do nothing, for tests of what starts and stops processes.
 * Returns the folder for `MIROIR_BUILT`.
 */
export function builtWithStandIns(): { root: string; remove(): void } {
  const root = mkdtempSync(join(tmpdir(), 'miroir-built-'));
  const built = builtForTest();
  for (const folder of readdirSync(built)) {
    if (folder !== 'api' && folder !== 'worker')
      symlinkSync(join(built, folder), join(root, folder));
  }
  for (const [folder, source] of Object.entries({ api, worker })) {
    mkdirSync(join(root, folder));
    writeFileSync(join(root, folder, 'main.js'), source);
  }
  return { root, remove: () => rmSync(root, { recursive: true, force: true }) };
}
