import type { Readable } from 'node:stream';
import {
  countWebhooks,
  memberOf,
  readFeatures,
  readIndexMetadata,
  readMetadata,
  readSettings,
} from '../core/archives/dump';
import type { DumpIndex, DumpMetadata, DumpSettings, Read } from '../core/archives/dump';
import { keyOfDump } from '../core/archives/keys';
import type { ArchivedKey } from '../core/archives/keys';
import type { JsonValue } from '../core/fleet';
import type { Archive, ArchiveContents, IndexContents } from './archive';
import { ArchiveError } from './depot';
import { linesOf, skipLines } from './lines';
import { tarMembers } from './read-tar';
import type { TarMember } from './read-tar';

/** Settings with large lists of synonyms; everything but documents is held in memory. */
const smallBytesMax = 64 * 1024 * 1024;
const keyBytesMax = 1_000_000;
const countLineBytesMax = 1;

/** A dump that a real Meilisearch made. `open` gives its bytes from the beginning, each time anew. */
export function dumpArchive(
  open: () => Promise<Readable>,
  done: () => void = () => undefined,
): Archive {
  return {
    async contents(onDocuments) {
      const found = new Found();
      for await (const member of tarMembers(await open())) await found.take(member, onDocuments);
      return found.contents();
    },
    async *documents({ from, lineBytesMax }) {
      for await (const { path, body } of tarMembers(await open())) {
        const member = memberOf(path);
        if (member?.kind !== 'index-documents') continue;
        const first = from(member.uid);
        if (first === null) continue;
        // A tar has no index, but unpacking is quick beside indexing.
        yield { uid: member.uid, first, lines: skipLines(linesOf(body, lineBytesMax), first) };
      }
    },
    close: done,
  };
}

interface Counted {
  documents: number;
  bytes: number;
}

/** Gathers what a dump has beside its documents, in whatever order the files come. */
class Found {
  #metadata: DumpMetadata | null = null;
  #features: readonly string[] = [];
  #webhooks = 0;
  #tasks = false;
  #badKeys = 0;
  readonly #keys: ArchivedKey[] = [];
  readonly #indexes = new Map<string, DumpIndex>();
  readonly #settings = new Map<string, DumpSettings>();
  /** In the order of the archive. */
  readonly #documents = new Map<string, Counted>();

  async take(file: TarMember, onDocuments: (documents: number) => void): Promise<void> {
    const member = memberOf(file.path);
    switch (member?.kind) {
      case 'metadata':
        this.#metadata = must(readMetadata(await file.text(smallBytesMax)));
        return;
      case 'keys':
        return this.#takeKeys(file);
      case 'features':
        this.#features = readFeatures(await file.text(smallBytesMax));
        return;
      case 'webhooks':
        this.#webhooks = countWebhooks(await file.text(smallBytesMax));
        return;
      case 'tasks':
        this.#tasks = file.bytes > 0;
        return;
      case 'index-metadata':
        this.#indexes.set(
          member.uid,
          must(readIndexMetadata(await file.text(smallBytesMax), member.uid)),
        );
        return;
      case 'index-settings':
        this.#settings.set(
          member.uid,
          must(readSettings(await file.text(smallBytesMax), member.uid)),
        );
        return;
      case 'index-documents': {
        const counted: Counted = { documents: 0, bytes: file.bytes };
        this.#documents.set(member.uid, counted);
        for await (const lines of linesOf(file.body, countLineBytesMax)) {
          for (const { length } of lines) if (length > 0) counted.documents += 1;
          onDocuments(this.#total());
        }
        return;
      }
      case undefined:
        return;
    }
  }

  contents(): ArchiveContents {
    if (this.#metadata === null) {
      throw new ArchiveError('corrupt', 'The archive has no metadata.json, so it is no dump.');
    }
    const names = new Set([...this.#documents.keys(), ...this.#indexes.keys()]);
    const indexes = [...names].map((uid) => this.#indexOf(uid));
    return {
      version: this.#metadata.dbVersion,
      madeAt: this.#metadata.dumpDate,
      indexes,
      keys: this.#keys,
      features: this.#features,
      ...{ aliases: [], policies: [], canaries: [] },
      notes: this.#notes(),
    };
  }

  #indexOf(uid: string): IndexContents {
    const index = this.#indexes.get(uid);
    const settings = this.#settings.get(uid);
    if (index === undefined || settings === undefined) {
      throw new ArchiveError('corrupt', `The index ${uid} lacks its metadata or its settings.`);
    }
    const { documents, bytes } = this.#documents.get(uid) ?? { documents: 0, bytes: 0 };
    return { ...index, settings: settings.settings, documents, bytes };
  }

  #notes(): string[] {
    const notes: string[] = [];
    if (this.#tasks) notes.push('The task history of the dump is not imported.');
    if (this.#webhooks > 0)
      notes.push(
        `${String(this.#webhooks)} webhooks are not imported: set them by POST /webhooks.`,
      );
    if (this.#badKeys > 0)
      notes.push(`${String(this.#badKeys)} lines of keys.jsonl are no keys and are left out.`);
    for (const [uid, { leftOut }] of this.#settings) {
      for (const name of leftOut) {
        notes.push(
          `The setting ${name} of ${uid} belongs to a feature that a fleet does not serve.`,
        );
      }
    }
    return notes;
  }

  async #takeKeys({ body }: TarMember): Promise<void> {
    for await (const lines of linesOf(body, keyBytesMax)) {
      for (const { bytes, length } of lines) {
        if (length === 0) continue;
        const key = keyOfDump(jsonOf(bytes));
        if (key === null) this.#badKeys += 1;
        else this.#keys.push(key);
      }
    }
  }

  #total(): number {
    let sum = 0;
    for (const { documents } of this.#documents.values()) sum += documents;
    return sum;
  }
}

function jsonOf(bytes: Buffer): JsonValue {
  try {
    return JSON.parse(bytes.toString('utf8')) as JsonValue;
  } catch {
    return null;
  }
}

function must<T>(read: Read<T>): T {
  if (read.ok) return read.value;
  throw new ArchiveError('corrupt', read.reason);
}
