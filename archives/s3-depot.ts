import { Transform } from 'node:stream';
import type { Readable } from 'node:stream';
import type * as Aws from '@aws-sdk/client-s3';
import { ArchiveError, demandName, isArchiveError, readBounded } from './depot';
import type { Depot, DepotEntry } from './depot';
import { asArchiveError, told } from './s3-failures';

/** How to reach S3-compatible storage. Credentials come from the vendor's own chain (`AWS_*`, roles). */
export interface S3Options {
  /** Null: Amazon's own. */
  readonly endpoint: string | null;
  readonly region: string;
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`; most other makers need it. */
  readonly pathStyle: boolean;
  /** A connection on which nothing moves for so long is given up; 60 s. */
  readonly idleMs?: number;
}

const connectMsMax = 10_000;
const idleMsDefault = 60_000;

/** Of a multipart upload; so many bytes are held in memory, four times. */
const uploadPartBytes = 8 * 1024 * 1024;
const deleteKeysMax = 1_000;

export interface S3Place {
  readonly bucket: string;
  /** Without a `/` at its end; empty for the whole bucket. */
  readonly prefix: string;
}

export function parseS3(url: string): S3Place | null {
  const match = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(url);
  if (match === null) return null;
  return { bucket: match[1] ?? '', prefix: (match[2] ?? '').replace(/\/+$/, '') };
}

/** The vendor's client is large, so it is loaded by who uses it only. */
const load = (): Promise<typeof Aws> => import('@aws-sdk/client-s3');

export function s3Depot(place: S3Place, options: S3Options): Depot {
  return new S3Depot(place, options);
}

class S3Depot implements Depot {
  readonly url: string;
  readonly #bucket: string;
  readonly #base: string;
  #opened: Promise<Aws.S3Client> | null = null;

  constructor(
    { bucket, prefix }: S3Place,
    private readonly options: S3Options,
  ) {
    this.url = `s3://${bucket}/${prefix}`;
    this.#bucket = bucket;
    this.#base = prefix === '' ? '' : `${prefix}/`;
  }

  async read(name: string): Promise<Readable> {
    const { GetObjectCommand } = await load();
    const command = new GetObjectCommand({ Bucket: this.#bucket, Key: this.#key(name) });
    const client = await this.#client();
    const { Body } = await told(() => client.send(command), name);
    if (Body === undefined) throw new ArchiveError('not-found', `${name} has no content.`);
    return Body as Readable;
  }

  async readAll(name: string, bytesMax: number): Promise<Buffer> {
    return readBounded(await this.read(name), bytesMax);
  }

  async write(name: string, content: Readable | Uint8Array): Promise<number> {
    const { Upload } = await import('@aws-sdk/lib-storage');
    let bytes = 0;
    const counted = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        done(null, chunk);
      },
    });
    if (content instanceof Uint8Array) counted.end(content);
    else content.on('error', (error) => counted.destroy(error)).pipe(counted);
    const upload = new Upload({
      client: await this.#client(),
      params: { Bucket: this.#bucket, Key: this.#key(name), Body: counted },
      partSize: uploadPartBytes,
    });
    let broken: { readonly reason: unknown } | null = null;
    counted.once('error', (reason) => {
      broken = { reason };
    });
    try {
      // An upload that fails takes its parts away by itself.
      await upload.done();
    } catch (error) {
      throw reasonOf(broken) ?? asArchiveError(error, name);
    }
    return bytes;
  }

  async list(below: string): Promise<DepotEntry[]> {
    const { paginateListObjectsV2 } = await load();
    const client = await this.#client();
    return await told(async () => {
      const found: DepotEntry[] = [];
      const pages = paginateListObjectsV2(
        { client },
        { Bucket: this.#bucket, Prefix: this.#base + below },
      );
      for await (const { Contents = [] } of pages) {
        for (const { Key = '', Size = 0 } of Contents) {
          found.push({ name: Key.slice(this.#base.length), bytes: Size });
        }
      }
      return found.sort((a, b) => (a.name < b.name ? -1 : 1));
    }, `${this.url} (its list)`);
  }

  async delete(name: string): Promise<void> {
    const { DeleteObjectCommand } = await load();
    const command = new DeleteObjectCommand({ Bucket: this.#bucket, Key: this.#key(name) });
    const client = await this.#client();
    await told(() => client.send(command), name);
  }

  async deleteAll(below: string): Promise<void> {
    const { DeleteObjectsCommand } = await load();
    const client = await this.#client();
    const names = await this.list(below);
    for (let at = 0; at < names.length; at += deleteKeysMax) {
      const some = names.slice(at, at + deleteKeysMax);
      const Delete = { Objects: some.map(({ name }) => ({ Key: this.#key(name) })), Quiet: true };
      const command = new DeleteObjectsCommand({ Bucket: this.#bucket, Delete });
      const { Errors = [] } = await told(() => client.send(command), below);
      // The request as a whole is answered with 200 although files of it were refused.
      const [first] = Errors;
      if (first !== undefined) {
        throw asArchiveError({ name: first.Code ?? 'Error' }, this.#nameOf(first.Key ?? below));
      }
    }
    await this.tidy(below);
  }

  async tidy(below: string): Promise<void> {
    try {
      for (const { Key, UploadId } of await this.#unfinished(below)) {
        await this.#abort(Key, UploadId);
      }
    } catch (error) {
      // Storage that does not tell of unfinished uploads, or not to us, has rules of its own for them;
      // they hold room and are no part of any file.
      if (!isArchiveError(error) || error.code === 'unreachable') throw error;
    }
  }

  async #unfinished(below: string): Promise<{ Key: string; UploadId: string }[]> {
    const { ListMultipartUploadsCommand } = await load();
    const client = await this.#client();
    const found: { Key: string; UploadId: string }[] = [];
    let next: { KeyMarker?: string; UploadIdMarker?: string } | null = {};
    while (next !== null) {
      const command: Aws.ListMultipartUploadsCommand = new ListMultipartUploadsCommand({
        ...{ Bucket: this.#bucket, Prefix: this.#base + below },
        ...next,
      });
      const page: Aws.ListMultipartUploadsCommandOutput = await told(
        () => client.send(command),
        `${this.url} (its unfinished uploads)`,
      );
      for (const { Key, UploadId } of page.Uploads ?? []) {
        if (Key !== undefined && UploadId !== undefined) found.push({ Key, UploadId });
      }
      const { IsTruncated, NextKeyMarker, NextUploadIdMarker } = page;
      next =
        IsTruncated === true && NextKeyMarker !== undefined
          ? {
              KeyMarker: NextKeyMarker,
              ...(NextUploadIdMarker === undefined ? {} : { UploadIdMarker: NextUploadIdMarker }),
            }
          : null;
    }
    return found;
  }

  async #abort(Key: string, UploadId: string): Promise<void> {
    const { AbortMultipartUploadCommand } = await load();
    const client = await this.#client();
    const command = new AbortMultipartUploadCommand({ Bucket: this.#bucket, Key, UploadId });
    await told(() => client.send(command), this.#nameOf(Key)).catch((error: unknown) => {
      // Somebody else was quicker.
      if (!isArchiveError(error) || error.code !== 'not-found') throw error;
    });
  }

  close(): void {
    void this.#opened?.then((client) => client.destroy());
  }

  #client(): Promise<Aws.S3Client> {
    this.#opened ??= connect(this.options);
    return this.#opened;
  }

  #nameOf(key: string): string {
    return key.startsWith(this.#base) ? key.slice(this.#base.length) : key;
  }

  #key(name: string): string {
    demandName(name);
    return this.#base + name;
  }
}

const reasonOf = (broken: { readonly reason: unknown } | null): unknown => broken?.reason;

async function connect({ endpoint, region, pathStyle, idleMs }: S3Options): Promise<Aws.S3Client> {
  const { S3Client: Client } = await load();
  return new Client({
    region,
    forcePathStyle: pathStyle,
    ...(endpoint === null ? {} : { endpoint }),
    // Storage that takes a request and never answers would hold a run for ever.
    requestHandler: {
      ...{ connectionTimeout: connectMsMax, socketTimeout: idleMs ?? idleMsDefault },
    },
    // Other makers' storage does not know the newer checksums; parts carry their own sha256.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
}
