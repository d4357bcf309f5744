import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { loadConfig } from '../../config/load';
import { openApiReference, openApiText } from './reference';

/** `node dist/api/openapi/write-reference.js`, started in the project's folder. */
const target = resolve('docs', 'reference', 'openapi.json');
// The routes do not depend on these; they only make a complete configuration.
const config = loadConfig({
  env: {
    REDIS_URL: 'redis://127.0.0.1:6379',
    TEMPORAL_ADDRESS: '127.0.0.1:7233',
    MIROIR_NODES: 'http://127.0.0.1:7700',
    MIROIR_NODE_KEY: 'a'.repeat(32),
    MIROIR_ADMIN_KEY: 'a'.repeat(48),
  },
});
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, openApiText(openApiReference({ config })));
