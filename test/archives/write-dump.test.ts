/**
 * Goal: a dump is written at the pace of who reads it, whatever its size; who stops reading stops it, and
 * what breaks while it is made is told to the reader.
 * Method: one file of many chunks is read slowly. It has to wait far more often than an emitter takes
 * listeners, so one that stayed behind at each wait is counted.
 */
import { createCipheriv } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { gunzipSync } from 'node:zlib';
import { tarGz, textFile } from '../../archives/write-dump';
import type { TarFile } from '../../archives/write-dump';
import { waitFor } from '../support/wait-for';

const chunkBytes = 64 * 1024;
const chunks = 100;
const noise = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(
  Buffer.alloc(chunkBytes),
);
const made = new Date(0);

async function* one(file: TarFile): AsyncGenerator<TarFile> {
  yield await Promise.resolve(file);
}

test('a file of many chunks waits for its reader and leaves no listener behind', async () => {
  const added = jest.spyOn(EventEmitter.prototype, 'on');
  const listening = (): number =>
    Math.max(
      0,
      ...added.mock.contexts.flatMap((emitter) =>
        ['drain', 'close'].map((name) => emitter.listenerCount(name)),
      ),
    );
  let given = 0;
  let ahead = 0;
  let read = 0;
  let listeners = 0;
  function* content(): Generator<Buffer> {
    for (; given < chunks; given += 1) {
      ahead = Math.max(ahead, given * chunkBytes - read);
      listeners = Math.max(listeners, listening());
      yield randomized(given);
    }
  }
  const parts: Buffer[] = [];
  try {
    const bytes = chunks * chunkBytes;
    const stream = tarGz(one({ path: 'large', bytes, content: content() }), made);
    for await (const part of stream as AsyncIterable<Buffer>) {
      parts.push(part);
      read += part.length;
      // A reader that does something else in between.
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    added.mockRestore();
  }
  expect(listeners).toBeGreaterThan(0);
  expect(listeners).toBeLessThanOrEqual(EventEmitter.defaultMaxListeners);
  expect(given).toBe(chunks);
  // What is under way is a few buffers, not the file.
  expect(ahead).toBeLessThan((chunks * chunkBytes) / 4);
  const tar = gunzipSync(Buffer.concat(parts));
  for (let at = 0; at < chunks; at += 1) {
    const from = 512 + at * chunkBytes;
    expect(tar.subarray(from, from + chunkBytes).equals(randomized(at))).toBe(true);
  }
});

test('who stops reading stops the source', async () => {
  let ended = false;
  function* content(): Generator<Buffer> {
    try {
      for (let at = 0; ; at += 1) yield randomized(at);
    } finally {
      ended = true;
    }
  }
  const stream = tarGz(one({ path: 'large', bytes: 2 ** 40, content: content() }), made);
  await once(stream, 'readable');
  stream.destroy();
  await waitFor(() => ended, { what: 'the end of the source', deadlineMs: 10_000 });
});

test('what breaks while it is made is told to the reader', async () => {
  async function* entries(): AsyncGenerator<TarFile> {
    yield textFile('first', 'one');
    await Promise.resolve();
    throw new Error('the nodes are away');
  }
  const reading = async (): Promise<void> => {
    for await (const part of tarGz(entries(), made)) expect(part).toBeDefined();
  };
  await expect(reading()).rejects.toThrow('the nodes are away');
});

/** The same at each call. They do not shrink, so that the pace of the reader is felt. */
function randomized(seed: number): Buffer {
  const bytes = Buffer.from(noise);
  bytes.writeUInt32LE(seed, 0);
  return bytes;
}
