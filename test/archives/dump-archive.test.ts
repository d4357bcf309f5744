/**
 * Goal: a dump is read whatever the order of its files, and one that is broken in any place is refused
 * and never half read.
 * Method: the recorded dump of a real Meilisearch, made dumps, and cuts and changed bytes at many places.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { ArchiveContents } from '../../archives/archive';
import { dumpArchive } from '../../archives/dump-archive';
import { dumpOf } from '../support/dump-files';

const recorded = readFileSync(join(__dirname, '../recordings/example-v1.50.dump'));

const archiveOf = (bytes: Buffer): ReturnType<typeof dumpArchive> =>
  dumpArchive(() => Promise.resolve(Readable.from([bytes], { objectMode: false })));

const contents = (bytes: Buffer): Promise<ArchiveContents> =>
  archiveOf(bytes).contents(() => undefined);

test('a real dump: indexes, settings, keys', async () => {
  const found = await contents(recorded);
  expect(found).toMatchObject({ version: '1.50.0', features: [] });
  expect(
    found.indexes.map(({ uid, documents, primaryKey }) => [uid, documents, primaryKey]),
  ).toEqual([
    ['notes', 2, 'ref'],
    ['films', 3_201, 'id'],
  ]);
  expect(found.indexes[1]?.settings).toMatchObject({ stopWords: ['a', 'the'] });
  expect(found.keys).toHaveLength(5);
});

test('documents come as their bytes, from any line on', async () => {
  const reading = { from: (uid: string) => (uid === 'notes' ? 1 : null), lineBytesMax: 10_000 };
  const lines: string[] = [];
  for await (const index of archiveOf(recorded).documents(reading)) {
    for await (const some of index.lines) lines.push(...some.map(({ bytes }) => bytes.toString()));
  }
  expect(lines).toEqual([
    '{"ref":"b_2","text":"“quotes” \\\\ back\\nline","f":1.1,"empty":{},"list":[]}',
  ]);
});

test('cut off anywhere it is refused', async () => {
  for (let share = 0; share < 1; share += 0.07) {
    const cut = recorded.subarray(0, Math.floor(recorded.length * share));
    await expect(contents(cut)).rejects.toMatchObject({ name: 'ArchiveError', code: 'corrupt' });
  }
});

test('with a changed byte it is refused', async () => {
  for (let at = 40; at < recorded.length; at += 9_973) {
    const changed = Buffer.from(recorded);
    changed[at] = (changed[at] ?? 0) ^ 0x55;
    await expect(contents(changed)).rejects.toMatchObject({ name: 'ArchiveError' });
  }
});

test.each([
  [{ dumpVersion: 'V5' }, 'only V6 is read'],
  [{}, 'only V6 is read'],
])('of another version it is refused', async (metadata, reason) => {
  await expect(contents(await dumpOf([], [], metadata))).rejects.toThrow(reason);
});

test('settings that the engine would refuse are told with their index', async () => {
  const settings = { rankingRules: ['nonsense'] };
  const dump = await dumpOf([{ uid: 'films', primaryKey: 'id', settings, documents: '' }]);
  await expect(contents(dump)).rejects.toThrow('The settings of the index films');
});

test('what a fleet does not serve is noted, and what is no key is left out', async () => {
  const settings = { foreignKeys: [{ field: 'a', index: 'b' }] };
  const keys = [{ uid: 'no uuid' }];
  const dump = await dumpOf([{ uid: 'films', primaryKey: null, settings, documents: '' }], keys);
  const found = await contents(dump);
  expect(found.keys).toEqual([]);
  expect(found.notes.join(' ')).toContain('foreignKeys');
  expect(found.notes.join(' ')).toContain('1 lines of keys.jsonl');
});
