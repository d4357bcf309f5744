/**
 * Goal: retention deletes what is old and beyond the number, and nothing that somebody may need: the young, the
 * newest proven one, what is just being made.
 * Method: the activity on a directory with files as backups have them, with a clock that stands still.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { retainBackups } from '../../activities/archives/backups';
import type { ActivityTools, Call } from '../../activities/tools';
import { directoryDepot } from '../../archives/directory-depot';
import { madeAtMs } from '../../archives/backup-archive';

const day = 86_400_000;
const now = Date.UTC(2026, 0, 20, 12);
const directory = mkdtempSync(join(tmpdir(), 'miroir-retain-'));
const depot = directoryDepot(directory);
/** The backup of that day in January, at noon. */
const id = (at: number): string => `202601${String(at).padStart(2, '0')}-120000000`;
const call = { beat: jest.fn() } as unknown as Call;

async function make(at: number, complete = true): Promise<void> {
  await depot.write(`${id(at)}/index-00000/part-000000.jsonl.gz`, Buffer.from('x'));
  if (complete) await depot.write(`${id(at)}/manifest.json`, Buffer.from('{}'));
}

function retain(
  options: { keep: number; keepMs?: number | null },
  drills: readonly { id: string; ok: boolean }[] = [],
): Promise<readonly string[]> {
  const tools = {
    archives: { backups: depot },
    store: { restoreDrills: { list: () => Promise.resolve(drills) } },
    clock: { now: () => now },
  } as unknown as ActivityTools;
  return retainBackups(tools, options, call);
}

const left = async (): Promise<string[]> => [
  ...new Set((await depot.list('')).map(({ name }) => name.split('/')[0] ?? '')),
];

beforeEach(async () => {
  for (const at of [15, 16, 17, 18, 19]) await make(at);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('the oldest beyond the number go, whole', async () => {
  expect(await retain({ keep: 2 })).toEqual([id(15), id(16), id(17)]);
  expect(await left()).toEqual([id(18), id(19)]);
});

test('a young one stays, whatever the number says', async () => {
  expect(await retain({ keep: 1, keepMs: 2.5 * day })).toEqual([id(15), id(16), id(17)]);
  expect(await left()).toEqual([id(18), id(19)]);
  expect(await retain({ keep: 1, keepMs: 30 * day })).toEqual([]);
});

test('the newest one that a drill has proven stays until a newer one is proven', async () => {
  const proven = [
    { id: id(15), ok: true },
    { id: id(16), ok: true },
    { id: id(19), ok: false },
  ];
  expect(await retain({ keep: 1 }, proven)).toEqual([id(15), id(17), id(18)]);
  expect(await left()).toEqual([id(16), id(19)]);
  expect(await retain({ keep: 1 }, [...proven.slice(0, 2), { id: id(19), ok: true }])).toEqual([
    id(16),
  ]);
});

test('what a run that was ended by hand has left goes after a day; what is none of ours stays', async () => {
  await make(14, false);
  await make(20, false);
  await depot.write('readme.txt', Buffer.from('x'));
  await depot.write('other/file', Buffer.from('x'));
  expect(await retain({ keep: 9 })).toEqual([]);
  expect(await left()).toEqual([...[15, 16, 17, 18, 19, 20].map(id), ...['other', 'readme.txt']]);
});

test('an id says when its backup was begun', () => {
  expect(madeAtMs('20260120-120000007')).toBe(now + 7);
  for (const other of ['latest', '20260120', '', '20260120-1200000071']) {
    expect(madeAtMs(other)).toBeNull();
  }
});
