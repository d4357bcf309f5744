/**
 * Goal: a directory and S3-compatible storage are one kind of place: whole files or none, sorted lists,
 * names that cannot leave the place.
 * Method: the same tests on both, the storage being a small server that speaks its protocol to the
 * vendor's client, and fails when it is told to.
 */
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { CreateMultipartUploadCommand, S3Client } from '@aws-sdk/client-s3';
import type { Depot } from '../../archives/depot';
import { openDepot } from '../../archives/open-depot';
import { parseS3 } from '../../archives/s3-depot';
import type { S3Options } from '../../archives/s3-depot';
import { s3Credentials, startS3 } from '../support/s3-server';
import type { S3ForTest } from '../support/s3-server';

const directory = mkdtempSync(join(tmpdir(), 'miroir-depot-'));
let s3: S3ForTest;
let depots: Record<string, Depot>;
let options: S3Options;

beforeAll(async () => {
  s3 = await startS3();
  process.env['AWS_ACCESS_KEY_ID'] = s3Credentials.accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = s3Credentials.secretAccessKey;
  options = { endpoint: s3.url, region: 'us-east-1', pathStyle: true, idleMs: 500 };
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

describe('storage', () => {
  const storage = (): Depot => depots['storage'] as Depot;
  const large = (): Readable =>
    Readable.from(Array.from({ length: 20 }, () => Buffer.alloc(1_000_000, 'm')));

  test('that does not serve is tried again by whoever asked, and is told as such', async () => {
    s3.failNext(500, 20);
    await expect(storage().read('x')).rejects.toMatchObject({ code: 'unreachable' });
    s3.failNext(0, 0);
  });

  test('that answers nothing is given up', async () => {
    const hanging = s3.hang(/\/bucket/);
    await expect(storage().read('x')).rejects.toMatchObject({ code: 'unreachable' });
    expect(hanging.held).toBeGreaterThan(0);
    s3.hang(null);
  });

  test.each([
    ['InvalidAccessKeyId', { ...s3Credentials, accessKeyId: 'AKIAOTHER' }],
    ['SignatureDoesNotMatch', { ...s3Credentials, secretAccessKey: 'another' }],
  ])('that says %s refuses, without a word of what it was sent', async (code, credentials) => {
    s3.demand(credentials);
    for (const ask of [
      () => storage().read('x'),
      () => storage().write('x', Buffer.from('x')),
      () => storage().list(''),
      () => storage().delete('x'),
      () => storage().deleteAll('x/'),
    ]) {
      const error: unknown = await ask().catch((one: unknown) => one);
      expect(error).toMatchObject({ name: 'ArchiveError', code: 'refused' });
      const { message } = error as Error;
      expect(message).toContain(code);
      for (const secret of ['Signature=', ...Object.values(s3Credentials)]) {
        expect(message).not.toContain(secret);
      }
    }
    s3.demand(s3Credentials);
  });

  test('without the bucket refuses, and no file is said to be missing', async () => {
    const elsewhere = openDepot('s3://nowhere/prefix', options);
    for (const ask of [() => elsewhere.read('x'), () => elsewhere.list('')]) {
      await expect(ask()).rejects.toMatchObject({ code: 'refused' });
    }
    await expect(elsewhere.write('x', large())).rejects.toThrow('there is no such bucket');
    elsewhere.close();
  });

  test('that keeps a file it was told to delete is not believed', async () => {
    for (const name of ['d/1', 'd/2']) await storage().write(name, Buffer.from(name));
    s3.protect(/d\/2$/);
    await expect(storage().deleteAll('d/')).rejects.toMatchObject({
      ...{ code: 'refused', message: expect.stringContaining('d/2') },
    });
    s3.protect(null);
    await storage().deleteAll('d/');
  });

  test('an upload that is cut in the middle is sent again', async () => {
    s3.cutNext(/partNumber=2/, 2);
    expect(await storage().write('cut', large())).toBe(20_000_000);
    expect((await storage().readAll('cut', 30_000_000)).length).toBe(20_000_000);
    await storage().delete('cut');
  });

  test('an upload that is cut each time fails and leaves no parts', async () => {
    s3.cutNext(/partNumber=2/, 1_000);
    await expect(storage().write('cut', large())).rejects.toMatchObject({ code: 'unreachable' });
    s3.cutNext(/^$/, 0);
    expect(s3.unfinished()).toEqual([]);
    await expect(storage().read('cut')).rejects.toMatchObject({ code: 'not-found' });
  });

  test('an upload whose process died is taken away with what is below, and no other', async () => {
    const client = new S3Client({ ...options, endpoint: s3.url, forcePathStyle: true });
    for (const name of ['b1/part', 'b1/part', 'b2/part']) {
      const Key = `some/prefix/${name}`;
      await client.send(new CreateMultipartUploadCommand({ Bucket: 'bucket', Key }));
    }
    await storage().tidy('b1/');
    expect(s3.unfinished()).toEqual(['bucket/some/prefix/b2/part']);
    await storage().deleteAll('b2/');
    expect(s3.unfinished()).toEqual([]);
    client.destroy();
  });
});

test('what a process that died left in a directory is taken away, and what others write is not', async () => {
  const below = join(directory, 'b1');
  const leftover = (name: string): string => `.partial-${name}-0123456789ab`;
  await depots['directory']?.write('b1/part-1', Buffer.from('whole'));
  writeFileSync(join(below, leftover('part-2')), 'half');
  writeFileSync(join(directory, leftover('other.dump')), 'half');
  await depots['directory']?.tidy('b1/');
  expect(readdirSync(below)).toEqual(['part-1']);
  await depots['directory']?.tidy('other.dump');
  expect(readdirSync(directory).filter((name) => name.startsWith('.partial'))).toEqual([]);
  await depots['directory']?.deleteAll('b1/');
});

test('urls of storage', () => {
  expect(parseS3('s3://bucket')).toEqual({ bucket: 'bucket', prefix: '' });
  expect(parseS3('s3://bucket/a/b/')).toEqual({ bucket: 'bucket', prefix: 'a/b' });
  expect(parseS3('/var/dumps')).toBeNull();
  expect(parseS3('s3://')).toBeNull();
});
