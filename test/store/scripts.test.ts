/**
 * Goal: every script says what it guarantees, has a name of its own, and is loaded by a real server.
 * Method: the folder is read, so a new script cannot be forgotten here.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { connectRedis } from '../../store/connect';
import { createKeys } from '../../store/keys';
import {
  assertItems,
  listOf,
  numberOf,
  parsed,
  textOf,
  unknownCode,
  type Script,
} from '../../store/script';
import { redisForTest } from '../support/redis';

const folder = join(__dirname, '..', '..', 'store', 'scripts');
const files = readdirSync(folder).filter((file) => file !== 'includes.ts');

async function scriptOf(file: string): Promise<Script> {
  const module = (await import(join(folder, file))) as { [name: string]: unknown };
  const scripts = Object.values(module).filter(
    (value): value is Script => typeof value === 'object' && value !== null && 'lua' in value,
  );
  expect(scripts).toHaveLength(1);
  return scripts[0]!;
}

test.each(files)('%s states KEYS, ARGV and what it returns', (file) => {
  const source = readFileSync(join(folder, file), 'utf8');
  const header = /\/\*\*(?:(?!\*\/).)*\*\/\nexport const \w+Script/s.exec(source)?.[0] ?? '';
  expect(header).toContain(' * KEYS: ');
  expect(header).toContain(' * ARGV: ');
  expect(header).toContain(' * Returns ');
});

test('each script has a name of its own, and compiles on the server', async () => {
  const redis = connectRedis(redisForTest().url);
  try {
    const scripts = await Promise.all(files.map(scriptOf));
    expect(new Set(scripts.map((script) => script.name)).size).toBe(files.length);
    for (const script of scripts) {
      expect(script.name).toMatch(/^miroir[A-Z]/);
      expect(await redis.script('LOAD', script.lua)).toMatch(/^[0-9a-f]{40}$/);
    }
  } finally {
    redis.disconnect();
  }
});

test('all keys have one hash tag, and a prefix that would break it is refused', () => {
  const keys = createKeys('p');
  const names = Object.values(keys).filter((value) => typeof value === 'string');
  expect(names.every((name) => name.startsWith('{p}:'))).toBe(true);
  expect(new Set(names).size).toBe(names.length);
  for (const prefix of ['', 'a{b', 'a}b', 'a b', 'a:b']) {
    expect(() => createKeys(prefix)).toThrow(RangeError);
  }
});

test('more than 1,000 items are refused, and so is a reply of another shape', () => {
  expect(() => assertItems('it', 1_000)).not.toThrow();
  expect(() => assertItems('it', 1_001)).toThrow(
    expect.objectContaining({ code: 'store_too_many_items' }) as Error,
  );
  const corrupt = expect.objectContaining({ code: 'store_corrupt' }) as Error;
  expect(() => listOf('x')).toThrow(corrupt);
  expect(() => numberOf('x')).toThrow(corrupt);
  expect(() => numberOf('')).toThrow(corrupt);
  expect(() => textOf(3)).toThrow(corrupt);
  expect(() => parsed('{')).toThrow(corrupt);
  expect(unknownCode({ name: 'n', lua: '' }, 9).code).toBe('store_corrupt');
});
