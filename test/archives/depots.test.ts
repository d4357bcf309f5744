/**
 * Goal: a directory and S3-compatible storage are one kind of place: whole files or none, sorted lists,
 * names that cannot leave the place.
 * Method: the same tests on both, the storage being a small server that speaks its protocol to the
 * vendor's client, and fails when it is told to.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Depot } from '../../archives/depot';
import { openDepot } from '../../archives/open-depot';
import { parseS3 } from '../../archives/s3-depot';
import { startS3 } from '../support/s3-server';
import type { S3ForTest } from '../support/s3-server';

const directory = mkdtempSync(join(tmpdir(), 'miroir-depot-'));
let s3: S3ForTest;
let depots: Record<string, Depot>;

beforeAll(async () => {
  s3 = await startS3();
  process.env['AWS_ACCESS_KEY_ID'] = 'test';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'test';
  const options = { endpoint: s3.url, region: 'us-east-1', pathStyle: true };
  depots = {
    directory: openDepot(directory, options),
    storage: openDepot('s3://bucket/some/prefix', options),
  };
});
afterAll(async () => {
  for (const depot of Object.values(depots)) depot.close();
  await s3.close();
  rmSync(directory, { recursive: true, force: true });
});

describe.each(['directory', 'storage'])('%s', (kind) => {
  const depot = (): Depot => depots[kind] as Depot;

  test('what is written is read, listed in order, and deleted', async () => {
    const names = ['b/2', 'b/1', 'a', 'b/3/x', 'c'];
    for (const name of names) await depot().write(name, Buffer.from(name));
    expect((await depot().readAll('b/3/x', 100)).toString()).toBe('b/3/x');
    expect(await depot().list('')).toEqual(
      [...names].sort().map((name) => ({ name, bytes: name.length })),
    );
    expect((await depot().list('b/')).map(({ name }) => name)).toEqual(['b/1', 'b/2', 'b/3/x']);
    await depot().delete('a');
    await depot().delete('a');
    await depot().deleteAll('b/');
    expect((await depot().list('')).map(({ name }) => name)).toEqual(['c']);
    await depot().delete('c');
  });

  test('a stream of any length is written', async () => {
    const piece = Buffer.alloc(1_000_000, 'm');
    const stream = Readable.from(Array.from({ length: 20 }, () => piece));
    expect(await depot().write('large', stream)).toBe(20_000_000);
    expect((await depot().readAll('large', 30_000_000)).length).toBe(20_000_000);
    await expect(depot().readAll('large', 10_000_000)).rejects.toMatchObject({ code: 'too-large' });
    await depot().delete('large');
  });

  test('a stream that breaks leaves nothing', async () => {
    async function* broken(): AsyncGenerator<Buffer> {
      yield Buffer.from('half');
      throw new Error('the source broke');
    }
    await expect(depot().write('broken', Readable.from(broken()))).rejects.toThrow('broke');
    await expect(depot().read('broken')).rejects.toMatchObject({ code: 'not-found' });
    expect(await depot().list('')).toEqual([]);
  });

  test.each(['../x', 'a/../b', '/etc/passwd', 'a//b', '.', 'a b', ''])(
    'the name %j is refused',
    async (name) => {
      await expect(depot().read(name)).rejects.toMatchObject({ code: 'bad-name' });
      await expect(depot().write(name, Buffer.from('x'))).rejects.toMatchObject({
        code: 'bad-name',
      });
    },
  );
});

test('only their owner may read the files of a directory', async () => {
  await depots['directory']?.write('secret', Buffer.from('x'));
  expect(statSync(join(directory, 'secret')).mode & 0o077).toBe(0);
  expect(readdirSync(directory)).toEqual(['secret']);
});

test('storage that refuses is told as such', async () => {
  s3.failNext(403, 10);
  await expect(depots['storage']?.read('x')).rejects.toMatchObject({ code: 'unreachable' });
  s3.failNext(0, 0);
});

test('urls of storage', () => {
  expect(parseS3('s3://bucket')).toEqual({ bucket: 'bucket', prefix: '' });
  expect(parseS3('s3://bucket/a/b/')).toEqual({ bucket: 'bucket', prefix: 'a/b' });
  expect(parseS3('/var/dumps')).toBeNull();
  expect(parseS3('s3://')).toBeNull();
});
