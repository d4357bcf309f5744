import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { CommandError, exitCodes } from './exit-codes';

/** What a file says: JSON, or YAML where its name ends so. Throws CommandError for what cannot be read. */
export function readRecord(file: string): unknown {
  try {
    const text = readFileSync(file, 'utf8');
    return /\.ya?ml$/i.test(file) ? (parse(text) as unknown) : (JSON.parse(text) as unknown);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandError(`${file} cannot be read: ${reason}`, exitCodes.usage);
  }
}
