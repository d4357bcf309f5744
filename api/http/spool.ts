import { open, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { v4 as uuidv4 } from 'uuid';
import { MeiliError } from '../../core/errors';

/** What all spools of a pod may hold together on the disk. */
export class SpoolRoom {
  #taken = 0;

  constructor(readonly bytesMax: number) {}

  /** Throws 503 when there is no room; what was taken before stays taken. */
  take(bytes: number): void {
    this.#taken += bytes;
    if (this.#taken <= this.bytesMax) return;
    throw new MeiliError(
      'too_many_search_requests',
      'Too many large request bodies are under way at the same time. Retry after 10s.',
    );
  }

  give(bytes: number): void {
    this.#taken -= bytes;
  }
}

/**
 * Bytes in a temporary file, for bodies that must not be held in memory. The file has no name as soon as
 * it is open, so the system removes it when it is closed, also when the process dies.
 */
export class Spool {
  #size = 0;
  #closed: Promise<void> | null = null;

  private constructor(
    private readonly file: FileHandle,
    private readonly room: SpoolRoom,
  ) {}

  static async create(room: SpoolRoom): Promise<Spool> {
    const path = join(tmpdir(), `miroir-body-${uuidv4()}`);
    const file = await open(path, 'wx+', 0o600);
    await unlink(path);
    return new Spool(file, room);
  }

  get size(): number {
    return this.#size;
  }

  /** Another spool that counts for the same room. */
  async sibling(): Promise<Spool> {
    return await Spool.create(this.room);
  }

  async append(bytes: Uint8Array): Promise<void> {
    const at = this.#size;
    this.#size += bytes.length;
    this.room.take(bytes.length);
    let written = 0;
    while (written < bytes.length) {
      const left = bytes.length - written;
      written += (await this.file.write(bytes, written, left, at + written)).bytesWritten;
    }
  }

  /** The bytes `[start, end)`, which must be there. */
  async read(start: number, end: number): Promise<Uint8Array> {
    const bytes = Buffer.allocUnsafe(end - start);
    let read = 0;
    while (read < bytes.length) {
      const left = bytes.length - read;
      const { bytesRead } = await this.file.read(bytes, read, left, start + read);
      if (bytesRead === 0) throw new Error('A temporary file is shorter than what was written.');
      read += bytesRead;
    }
    return bytes;
  }

  /** Safe to call twice. */
  async close(): Promise<void> {
    this.#closed ??= this.file.close().finally(() => this.room.give(this.#size));
    await this.#closed;
  }
}
