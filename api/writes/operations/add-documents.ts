import type { Config } from '../../../config/config';
import { inferPrimaryKey } from '../../../core/documents/identity';
import { PayloadCheck } from '../../../core/documents/prepare';
import type { OrderedDocument } from '../../../core/documents/prepare';
import type { PrepareResult, PreparedDocument } from '../../../core/documents/types';
import type { ErrorBody, ErrorCode } from '../../../core/errors';
import { MeiliError } from '../../../core/errors';
import type { IndexEntry, JsonValue } from '../../../core/fleet';
import type { PhysicalUid, ShardId } from '../../../core/ids';
import { scanObject } from '../../../core/json/scan';
import { embeddersOf, hasGeo } from '../../../core/settings/checks';
import type { FleetCache } from '../../fleet-cache';
import type { DocumentSource } from '../document-source';
import {
  creation,
  holdersOf,
  newEntry,
  newPhysicalUid,
  setIndex,
  workForHolders,
  writersOf,
} from '../index-changes';
import type { NodeWork, Operation, PlanInput, WritePlan } from '../plan';
import type { Step } from '../steps';
import { finalPlan, indexNotFound, writeName } from './common';

export interface AddDocumentsInput {
  readonly name: string;
  readonly method: 'POST' | 'PUT';
  readonly source: DocumentSource;
  /** As the client gave it. */
  readonly primaryKey: string | null;
  readonly skipCreation: boolean;
  /** Whether the client's key may make the index when it is not there. */
  readonly mayCreate: boolean;
  readonly defaults: Config['fleet'];
}

/** The key that the documents are stored by, or why there is none. */
type KeyChoice =
  | { readonly ok: true; readonly key: string | null }
  | { readonly ok: false; readonly error: ErrorBody };

/** Add or replace (POST), add or merge (PUT). Makes the index where there is none. */
export class AddDocuments implements Operation {
  readonly names: readonly string[];
  readonly #newUid: PhysicalUid;
  #prepared: {
    readonly key: string;
    readonly entry: IndexEntry;
    readonly result: PrepareResult;
  } | null = null;

  constructor(
    private readonly input: AddDocumentsInput,
    readonly customMetadata?: string,
    readonly idempotency?: { readonly key: string; readonly bodyHash: string },
  ) {
    this.names = [input.name];
    this.#newUid = newPhysicalUid(input.name);
  }

  target(fleet: FleetCache): PhysicalUid | null {
    const found = fleet.index(writeName(fleet, this.input.name));
    if (found !== null) return found.entry.physicalUid;
    return this.input.mayCreate ? this.#newUid : null;
  }

  async plan({ fleet, places }: PlanInput): Promise<WritePlan> {
    const uid = writeName(fleet, this.input.name);
    const present = fleet.index(uid)?.entry ?? null;
    if (present === null && !this.input.mayCreate) return this.#failed(indexNotFound(uid));
    const base =
      present ??
      newEntry(fleet.current(), this.input.defaults, {
        uid,
        physicalUid: this.#newUid,
        primaryKey: null,
        now: new Date().toISOString(),
      });
    const choice = await this.#chooseKey(base);
    if (!choice.ok) return this.#withoutDocuments(base, present === null, choice.error);
    if (choice.key === null) return this.#withoutDocuments(base, present === null, null);
    const prepared = await this.#prepare(base, choice.key);
    if (!prepared.ok) {
      const { code, message, sync } = prepared.error;
      const error = new MeiliError(code as ErrorCode, message);
      if (sync === true) throw error;
      return this.#withoutDocuments(base, present === null, error.toBody());
    }
    const entry = { ...base, primaryKey: choice.key };
    const distinct = new Map(prepared.documents.map((one) => [one.id, one.shard]));
    const sought = [...distinct].map(([id, shard]) => ({ id, shard }));
    const known =
      present === null || places === null
        ? new Map<string, number>()
        : await places.find(entry, choice.key, sought);
    return this.#full(
      { entry, isNew: present === null, keyIsNew: base.primaryKey === null },
      this.#withExpiry(entry, prepared.documents, known),
      known,
    );
  }

  /**
   * The index's default time to live. A replacement is a new document; an update of one that is there
   * leaves it the time that it has.
   */
  #withExpiry(
    { ttl }: IndexEntry,
    documents: readonly PreparedDocument[],
    known: ReadonlyMap<string, number>,
  ): readonly PreparedDocument[] {
    if (ttl === undefined || !ttl.enabled || ttl.defaultTtlMs === null) return documents;
    const expiresAt = Date.now() + ttl.defaultTtlMs;
    const gets = ({ id, expiresAt: own }: PreparedDocument): boolean =>
      own === undefined && (this.input.method === 'POST' || !known.has(id));
    return documents.map((one) => (gets(one) ? { ...one, expiresAt } : one));
  }

  #full(
    index: { entry: IndexEntry; isNew: boolean; keyIsNew: boolean },
    documents: readonly PreparedDocument[],
    known: ReadonlyMap<string, number>,
  ): WritePlan {
    const { entry } = index;
    const idsByShard = new Map<ShardId, Set<string>>();
    for (const { id, shard } of documents) {
      const ids = idsByShard.get(shard);
      if (ids === undefined) idsByShard.set(shard, new Set([id]));
      else ids.add(id);
    }
    const newIds = [...new Set(documents.map(({ id }) => id))].filter((id) => !known.has(id));
    const placesFrom = (first: number): Map<string, number> =>
      new Map([...known, ...newIds.map((id, at): [string, number] => [id, first + at])]);
    const shards = [...idsByShard.keys()].sort((a, b) => a - b);
    const distinct = newIds.length + known.size;
    return {
      ...this.#common(entry, index.isNew),
      extra: { indexed: distinct, skipCreation: this.input.skipCreation },
      shards,
      journal: new Map([...idsByShard].map(([shard, ids]) => [shard, [...ids]])),
      sequences: newIds.length,
      changes: index.isNew ? creation(entry) : index.keyIsNew ? [setIndex(entry)] : [],
      // Which documents are there when nothing may be made, only the nodes know, when all is worked off.
      overlaps: !index.isNew && !index.keyIsNew && !this.input.skipCreation,
      final: null,
      intent: this.#work(index, [], { shards, places: known }),
      work: (first) => this.#work(index, documents, { shards, places: placesFrom(first) }),
      ...(this.input.skipCreation
        ? {}
        : { places: (first: number) => ({ kind: 'set' as const, places: placesFrom(first) }) }),
    };
  }

  #work(
    index: { entry: IndexEntry; isNew: boolean },
    documents: readonly PreparedDocument[],
    split: { shards: readonly ShardId[]; places: ReadonlyMap<string, number> },
  ): NodeWork[] {
    const { entry, isNew } = index;
    const writers = writersOf(entry, split.shards);
    // A new index is made on all of its nodes, also on those that get no document yet.
    const nodes = isNew ? holdersOf(entry) : new Set(writers.keys());
    const work: NodeWork[] = [];
    for (const node of [...nodes].sort()) {
      const shards = writers.get(node) ?? [];
      const part = { shards, places: split.places };
      const steps = shards.length > 0 ? [this.#documentsStep(entry, documents, part)] : [];
      work.push({ node, shards, steps });
    }
    return work;
  }

  #documentsStep(
    entry: IndexEntry,
    documents: readonly PreparedDocument[],
    part: { shards: readonly ShardId[]; places: ReadonlyMap<string, number> },
  ): Step {
    return {
      kind: 'documents',
      method: this.input.method,
      primaryKey: entry.primaryKey ?? '',
      skipCreation: this.input.skipCreation,
      payload: this.input.source.payload(partOf(documents, part)),
    };
  }

  /** Nothing to store: an empty payload, or one that fails. The index is made all the same. */
  #withoutDocuments(base: IndexEntry, isNew: boolean, error: ErrorBody | null): WritePlan {
    const entry = isNew && error === null ? { ...base, primaryKey: this.input.primaryKey } : base;
    return {
      ...this.#common(entry, isNew),
      extra: {},
      shards: [],
      journal: null,
      sequences: 0,
      changes: isNew ? creation(entry) : [],
      intent: [],
      final: { error, details: this.#details(0) },
      work: () => (isNew ? workForHolders(entry, [], []) : []),
    };
  }

  #failed(error: ErrorBody): WritePlan {
    const task = {
      type: 'documentAdditionOrUpdate' as const,
      indexUid: this.input.name,
      details: this.#details(0),
    };
    return finalPlan(task, error);
  }

  #common(
    entry: IndexEntry,
    isNew: boolean,
  ): Pick<WritePlan, 'physicalUid' | 'entry' | 'type' | 'indexUid' | 'details' | 'audit'> {
    return {
      physicalUid: entry.physicalUid,
      entry,
      type: 'documentAdditionOrUpdate',
      indexUid: entry.uid,
      details: this.#details(null),
      audit: { who: 'client', why: 'documents', what: isNew ? 'create index' : 'set primary key' },
    };
  }

  #details(indexedDocuments: number | null): { [member: string]: JsonValue } {
    return { receivedDocuments: this.input.source.count, indexedDocuments };
  }

  async #chooseKey(entry: IndexEntry): Promise<KeyChoice> {
    const { primaryKey, source } = this.input;
    if (entry.primaryKey !== null && primaryKey !== null && primaryKey !== entry.primaryKey) {
      const message = `Index already has a primary key: \`${entry.primaryKey}\`.`;
      return {
        ok: false,
        error: new MeiliError('index_primary_key_already_exists', message).toBody(),
      };
    }
    if (source.count === 0) return { ok: true, key: null };
    const given = entry.primaryKey ?? primaryKey;
    if (given !== null) return { ok: true, key: given };
    const inferred = inferPrimaryKey(await firstNames(source));
    if (inferred.ok) return { ok: true, key: inferred.key };
    return {
      ok: false,
      error: new MeiliError(inferred.code as ErrorCode, inferred.message).toBody(),
    };
  }

  /** Checked once for each key and set of settings: a moved epoch alone changes nothing here. */
  async #prepare(entry: IndexEntry, key: string): Promise<PrepareResult> {
    const before = this.#prepared;
    if (
      before !== null &&
      before.key === key &&
      before.entry.shardCount === entry.shardCount &&
      before.entry.settingsVersion === entry.settingsVersion &&
      (before.entry.ttl === undefined) === (entry.ttl === undefined)
    ) {
      return before.result;
    }
    const check = new PayloadCheck({
      primaryKey: key,
      shardCount: entry.shardCount,
      ttl: entry.ttl !== undefined,
      indexUid: entry.uid,
      geo: hasGeo(entry.settings),
      embedders: embeddersOf(entry.settings),
    });
    for await (const piece of this.input.source.pieces()) {
      if (!check.add(piece, piece.base)) break;
    }
    const result = check.result();
    this.#prepared = { key, entry, result };
    return result;
  }
}

/** The documents of these shards; made anew for each walk, as a payload may be sent more than once. */
function partOf(
  documents: readonly PreparedDocument[],
  part: { shards: readonly ShardId[]; places: ReadonlyMap<string, number> },
): Iterable<OrderedDocument> {
  const wanted = new Set(part.shards);
  return {
    *[Symbol.iterator]() {
      for (const prepared of documents) {
        if (wanted.has(prepared.shard)) yield { prepared, seq: part.places.get(prepared.id) ?? 0 };
      }
    },
  };
}

/** The top-level names of the first document. */
async function firstNames(source: DocumentSource): Promise<string[]> {
  const names: string[] = [];
  for await (const { documents, bytes } of source.pieces()) {
    const [first] = documents;
    if (first !== undefined) scanObject(bytes, first.start, (name) => names.push(name));
    break;
  }
  return names;
}
