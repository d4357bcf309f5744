/**
 * What a node must know again after it was killed: an append-only file with one JSON object a line.
 * A task is written before its request is answered, so accepted means durable. The file is not
 * synced: it outlives the process, not the machine.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { isObject, parseJson } from '../engine/json';
import type { JsonObject } from '../engine/json';
import { toJsonText } from '../http/answer';

export class Journal {
  private readonly file: string;

  /** Creates the folder. */
  constructor(dataDir: string) {
    mkdirSync(dataDir, { recursive: true });
    this.file = join(dataDir, 'embedded-node.ndjson');
  }

  append(entry: Record<string, unknown>): void {
    appendFileSync(this.file, `${toJsonText(entry)}\n`);
  }

  /** All entries in order; a last line that was cut by a kill was never answered, and is removed. */
  read(): JsonObject[] {
    if (!existsSync(this.file)) return [];
    const bytes = readFileSync(this.file);
    const end = bytes.lastIndexOf(10) + 1;
    if (end < bytes.length) truncateSync(this.file, end);
    const lines = bytes.subarray(0, end).toString().split('\n');
    return lines
      .filter((line) => line !== '')
      .map((line) => {
        const entry = parseJson(line);
        return isObject(entry) ? entry : new Map();
      });
  }
}
