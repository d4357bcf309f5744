/**
 * Goal: a stream is cut into its lines whatever its chunks are, and a line that is too long costs no memory.
 * Method: random texts cut at random places, compared with a split of the whole; seeds are printed.
 */
import fc from 'fast-check';
import { isCut, linesOf, skipLines } from '../../archives/lines';
import type { Line } from '../../archives/lines';

async function* chunksOf(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let at = 0;
  for (let n = 0; at < bytes.length; n += 1) {
    const size = sizes[n % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function all(lines: AsyncIterable<readonly Line[]>): Promise<Line[]> {
  const found: Line[] = [];
  for await (const some of lines) found.push(...some);
  return found;
}

const texts = fc.array(fc.string({ maxLength: 12 }).map((text) => text.replaceAll('\n', '')));
const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });

test('the lines of any stream are those of its text', async () => {
  await fc.assert(
    fc.asyncProperty(texts, sizes, fc.boolean(), async (lines, chunk, ended) => {
      const text = lines.map((line) => `${line}\n`).join('') + (ended ? '' : 'x');
      const found = await all(linesOf(chunksOf(Buffer.from(text), chunk), 1_000));
      const wanted = ended ? lines : [...lines, 'x'];
      expect(found.map(({ bytes }) => bytes.toString())).toEqual(wanted);
    }),
  );
});

test('the first lines are left out by their number', async () => {
  await fc.assert(
    fc.asyncProperty(texts, sizes, fc.nat(20), async (lines, chunk, skip) => {
      const text = Buffer.from(lines.map((line) => `${line}\n`).join(''));
      const found = await all(skipLines(linesOf(chunksOf(text, chunk), 1_000), skip));
      expect(found.map(({ bytes }) => bytes.toString())).toEqual(lines.slice(skip));
    }),
  );
});

test('of a line that is too long only the beginning is kept, with its length', async () => {
  const text = Buffer.from(`${'a'.repeat(1_000_000)}\nshort\n`);
  const [long, short] = await all(linesOf(chunksOf(text, [65_536]), 10_000));
  expect(long?.length).toBe(1_000_000);
  expect(long?.bytes.length).toBeLessThan(10_000);
  expect([long, short].map((line) => line !== undefined && isCut(line))).toEqual([true, false]);
  expect(short?.bytes.toString()).toBe('short');
});
