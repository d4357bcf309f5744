import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** What is held in memory before it is written down as one sorted run. */
const runBytesDefault = 32 * 1024 * 1024;
/** Runs that are read side by side; more of them are first made into larger ones. */
const fanInMax = 64;
const readBytes = 256 * 1024;
const headBytes = 12;

export interface Sortable {
  /** A whole number of at most 2^48. */
  readonly key: number;
  readonly bytes: Uint8Array;
}

/**
 * Sorts more than fits into memory, by runs in a directory of its own: memory is bounded by one run, or
 * by one buffer of each run that is merged. Equal keys keep no order.
 */
export class ExternalSorter {
  readonly #runs: string[] = [];
  #held: Sortable[] = [];
  #heldBytes = 0;
  #counter = 0;

  private constructor(
    private readonly directory: string,
    private readonly runBytesMax: number,
  ) {}

  static async in(directory: string, runBytesMax = runBytesDefault): Promise<ExternalSorter> {
    return new ExternalSorter(await mkdtemp(join(directory, 'miroir-sort-')), runBytesMax);
  }

  async add(item: Sortable): Promise<void> {
    this.#held.push(item);
    this.#heldBytes += item.bytes.length;
    if (this.#heldBytes >= this.runBytesMax) await this.#spill();
  }

  /** All items in the order of their keys. Once. */
  async *sorted(): AsyncGenerator<Sortable> {
    if (this.#runs.length === 0) {
      yield* this.#held.sort((a, b) => a.key - b.key);
      return;
    }
    if (this.#held.length > 0) await this.#spill();
    while (this.#runs.length > fanInMax) {
      const some = this.#runs.splice(0, fanInMax);
      await this.#write(merged(some));
      for (const run of some) await rm(run, { force: true });
    }
    yield* merged(this.#runs);
  }

  async close(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }

  async #spill(): Promise<void> {
    const items = this.#held.sort((a, b) => a.key - b.key);
    this.#held = [];
    this.#heldBytes = 0;
    await this.#write(items);
  }

  async #write(items: Iterable<Sortable> | AsyncIterable<Sortable>): Promise<void> {
    const path = join(this.directory, String((this.#counter += 1)));
    // Documents hold what only their readers may see.
    const file = await open(path, 'w', 0o600);
    try {
      let pieces: Uint8Array[] = [];
      let size = 0;
      const flush = async (): Promise<void> => {
        if (size > 0) await file.writeFile(Buffer.concat(pieces, size));
        pieces = [];
        size = 0;
      };
      for await (const { key, bytes } of items) {
        pieces.push(headOf(key, bytes.length), bytes);
        size += headBytes + bytes.length;
        if (size >= readBytes) await flush();
      }
      await flush();
    } finally {
      await file.close();
    }
    this.#runs.push(path);
  }
}

function headOf(key: number, length: number): Buffer {
  const head = Buffer.allocUnsafe(headBytes);
  head.writeUIntBE(Math.floor(key / 2 ** 24), 0, 3);
  head.writeUIntBE(key % 2 ** 24, 3, 3);
  head.writeUIntBE(length, 6, 6);
  return head;
}

async function* itemsOf(path: string): AsyncGenerator<Sortable> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { highWaterMark: readBytes })) {
    rest = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer]);
    let at = 0;
    while (rest.length - at >= headBytes) {
      const key = rest.readUIntBE(at, 3) * 2 ** 24 + rest.readUIntBE(at + 3, 3);
      const end = at + headBytes + rest.readUIntBE(at + 6, 6);
      if (end > rest.length) break;
      yield { key, bytes: rest.subarray(at + headBytes, end) };
      at = end;
    }
    rest = rest.subarray(at);
  }
}

interface Head {
  readonly item: Sortable;
  readonly rest: AsyncGenerator<Sortable>;
}

/** At most `fanInMax` runs, so that looking at each head is cheap enough. */
async function* merged(paths: readonly string[]): AsyncGenerator<Sortable> {
  const heads: Head[] = [];
  for (const path of paths) {
    const rest = itemsOf(path);
    const first = await rest.next();
    if (first.done !== true) heads.push({ item: first.value, rest });
  }
  while (heads.length > 0) {
    let least = 0;
    for (let at = 1; at < heads.length; at += 1) {
      if ((heads[at] as Head).item.key < (heads[least] as Head).item.key) least = at;
    }
    const { item, rest } = heads[least] as Head;
    yield item;
    const next = await rest.next();
    if (next.done === true) heads.splice(least, 1);
    else heads[least] = { item: next.value, rest };
  }
}
