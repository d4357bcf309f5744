import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { configurationReference } from './reference';

/** `node dist/config/write-reference.js`, started in the project's folder. */
const target = resolve('docs', 'reference', 'configuration.md');
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, configurationReference());
