/**
 * Goal: more than fits into memory comes out in the order of its keys, all of it, and nothing stays on
 * the disk.
 * Method: items beyond one run, with keys in random order and some equal; seeds are printed.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { ExternalSorter } from '../../archives/external-sort';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'miroir-sorting-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

async function sortedKeys(
  keys: readonly number[],
  bytes: number,
  runBytesMax?: number,
): Promise<number[]> {
  const sorter = await ExternalSorter.in(directory, runBytesMax);
  try {
    for (const key of keys) {
      const item = Buffer.alloc(bytes, 'x');
      item.write(String(key));
      await sorter.add({ key, bytes: item });
    }
    const found: number[] = [];
    for await (const item of sorter.sorted()) {
      expect(item.bytes.length).toBe(bytes);
      expect(Buffer.from(item.bytes).toString().replace(/x.*$/s, '')).toBe(String(item.key));
      found.push(item.key);
    }
    return found;
  } finally {
    await sorter.close();
  }
}

test('any keys within one run', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 2 ** 48 - 1 })), async (keys) => {
      expect(await sortedKeys(keys, 20)).toEqual([...keys].sort((a, b) => a - b));
    }),
    { numRuns: 30 },
  );
});

test('many runs, made into fewer before they are merged', async () => {
  // Each item is a run of its own; beyond 64 of them two rounds are needed.
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(1_000), { minLength: 60, maxLength: 200 }), async (keys) => {
      expect(await sortedKeys(keys, 20, 10)).toEqual([...keys].sort((a, b) => a - b));
    }),
    { numRuns: 5 },
  );
});

test('nothing stays behind, also when nobody reads it', async () => {
  const sorter = await ExternalSorter.in(directory, 10);
  await sorter.add({ key: 1, bytes: Buffer.alloc(20) });
  await sorter.close();
  expect(readdirSync(directory)).toEqual([]);
});
