/**
 * One index: its documents, its settings, and what is built from them. Methods that change it are
 * called by the task queue only, one task at a time.
 */
import { ApiError } from '../errors';
import { float } from '../engine/json';
import type { Json, JsonObject } from '../engine/json';
import { SearchIndex } from '../engine/search-index';
import { toJsonText } from '../http/answer';
import { FacetIndex } from '../filter/facet-index';
import {
  applyChange,
  checkMerged,
  engineSettings,
  initialSettings,
  plainSetting,
} from '../settings/index-settings';
import type { IndexSettings, SettingsChange } from '../settings/index-settings';
import { checkGeo } from './geo-check';
import { Docids } from './docids';
import { documentId } from './document-id';
import { withSerdeFloats } from './floats';
import { checkVectors, embeddingsOf, missingVectors } from './vectors';
import type { Embedders } from './vectors';

export interface StoredDocument {
  readonly id: string;
  /** Without `_vectors`; members in the order in which the index first saw their names. */
  readonly document: JsonObject;
  readonly vectors: JsonObject | null;
}

export interface AddOptions {
  /** Members of the sent document replace those of the stored one, others stay. */
  readonly merge: boolean;
  /** Unknown ids are passed over. */
  readonly skipCreation: boolean;
}

export class IndexStore {
  readonly createdAt: number;
  updatedAt: number;
  primaryKey: string | null = null;
  settings: IndexSettings = initialSettings();
  facets = new FacetIndex([]);
  engine = new SearchIndex(engineSettings(this.settings));
  readonly documents = new Map<number, StoredDocument>();
  /** How many documents have each top-level field. */
  readonly fieldCounts = new Map<string, number>();
  private readonly docids = new Docids();
  private readonly fieldOrder = new Map<string, number>();

  /** `now` in microseconds since 1970. */
  constructor(now: number) {
    this.createdAt = now;
    this.updatedAt = now;
  }

  get embedders(): Embedders {
    return plainSetting<Embedders>(this.settings, 'embedders');
  }

  get knownFields(): readonly string[] {
    return [...this.fieldOrder.keys()];
  }

  find(id: string): { readonly docid: number; readonly stored: StoredDocument } | null {
    const docid = this.docids.get(id);
    const stored = docid === undefined ? undefined : this.documents.get(docid);
    return docid === undefined || stored === undefined ? null : { docid, stored };
  }

  /** Docids in ascending order, which is the order of listings. */
  sortedDocids(among?: ReadonlySet<number>): number[] {
    return [...(among ?? this.documents.keys())].sort((left, right) => left - right);
  }

  setPrimaryKey(primaryKey: string): void {
    this.primaryKey = primaryKey;
    this.noteField(primaryKey);
  }

  /** Checks a payload wholly, so that a task changes all of its documents or none. */
  checkDocuments(documents: readonly JsonObject[], options: AddOptions): string[] {
    const primaryKey = this.primaryKey ?? '';
    const ids = documents.map((document) => documentId(document, primaryKey));
    const { embedders } = this;
    const names = Object.keys(embedders);
    const lacking = new Map<string, string[]>(names.map((name) => [name, []]));
    documents.forEach((document, index) => {
      const id = ids[index] ?? '';
      if (this.usesGeo()) checkGeo(id, document);
      checkVectors(id, document, embedders);
      if (names.length > 0) this.noteLacking(id, document, options, lacking);
    });
    for (const [name, without] of lacking) {
      if (without.length > 0) throw missingVectors(name, [...new Set(without)]);
    }
    return ids;
  }

  private noteLacking(
    id: string,
    document: JsonObject,
    options: AddOptions,
    lacking: Map<string, string[]>,
  ): void {
    const stored = this.find(id)?.stored;
    if (options.skipCreation && stored === undefined) return;
    const sent = document.get('_vectors');
    const kept = this.keptVectors(stored, options);
    for (const [name, without] of lacking) {
      const given = sent instanceof Map ? embeddingsOf(sent, name) : null;
      if ((given ?? embeddingsOf(kept, name)) === null) without.push(id);
    }
  }

  private usesGeo(): boolean {
    return (
      this.facets.hasGeo ||
      plainSetting<string[]>(this.settings, 'sortableAttributes').includes('_geo')
    );
  }

  /** Adds or replaces one checked document. */
  put(id: string, sent: JsonObject, options: AddOptions): void {
    const current = this.find(id);
    if (current === null && options.skipCreation) return;
    const members = new Map(options.merge ? (current?.stored.document ?? []) : []);
    for (const [name, value] of sent) {
      if (name !== '_vectors') members.set(name, withSerdeFloats(value));
    }
    for (const name of members.keys()) this.noteField(name);
    const document: JsonObject = new Map(
      [...members].sort(([left], [right]) => this.orderOf(left) - this.orderOf(right)),
    );
    const vectors = this.mergedVectors(sent, this.keptVectors(current?.stored, options));
    const docid = current?.docid ?? this.docids.allocate(id);
    if (current !== null) this.unlink(docid);
    this.documents.set(docid, { id, document, vectors });
    this.link(docid);
  }

  /** Vectors that stay when a document is sent again: those of embedders stay even on replace. */
  private keptVectors(stored: StoredDocument | undefined, options: AddOptions): JsonObject | null {
    const vectors = stored?.vectors ?? null;
    if (vectors === null || options.merge) return vectors;
    const { embedders } = this;
    const kept = new Map([...vectors].filter(([name]) => name in embedders));
    return kept.size === 0 ? null : kept;
  }

  private mergedVectors(sent: JsonObject, kept: JsonObject | null): JsonObject | null {
    const given = sent.get('_vectors');
    if (!(given instanceof Map)) return kept;
    return kept === null ? given : new Map([...kept, ...given]);
  }

  /** Whether there was a document of this id. */
  delete(id: string): boolean {
    const docid = this.docids.release(id);
    if (docid === undefined) return false;
    this.unlink(docid);
    this.documents.delete(docid);
    return true;
  }

  /** Deletes all documents; returns how many there were. */
  clear(): number {
    const count = this.documents.size;
    this.documents.clear();
    this.docids.clear();
    this.fieldCounts.clear();
    this.rebuildFacets();
    this.rebuildEngine();
    return count;
  }

  /** Applies a settings change; the index is left as it was when the change is refused. */
  changeSettings(change: SettingsChange): void {
    const next = applyChange(this.settings, change);
    checkMerged(next);
    const embedders = plainSetting<Embedders>(next, 'embedders');
    for (const name of Object.keys(embedders)) {
      if (!(name in this.embedders)) this.checkEmbedder(name, embedders);
    }
    this.releaseVectors(Object.keys(embedders));
    const facetsChange =
      next.get('filterableAttributes') !== this.settings.get('filterableAttributes');
    const before = toJsonText(engineSettings(this.settings));
    this.settings = next;
    if (facetsChange) this.rebuildFacets();
    if (toJsonText(engineSettings(next)) !== before) this.rebuildEngine();
  }

  /** A new embedder needs vectors, of its dimensions, in every document. */
  private checkEmbedder(name: string, embedders: Embedders): void {
    const docids = this.sortedDocids();
    const lacking = docids.filter((docid) => this.embeddings(docid, name) === null);
    const ids = lacking.map((docid) => this.documents.get(docid)?.id ?? '');
    if (ids.length > 0) throw missingVectors(name, ids);
    for (const docid of docids) {
      const stored = this.documents.get(docid);
      checkVectors(stored?.id ?? '', new Map([['_vectors', stored?.vectors ?? null]]), embedders);
    }
  }

  /** Embedders that are no longer set leave their vectors in the documents, in full form. */
  private releaseVectors(remaining: readonly string[]): void {
    const gone = Object.keys(this.embedders).filter((name) => !remaining.includes(name));
    if (gone.length === 0) return;
    for (const [docid, stored] of this.documents) {
      const vectors: JsonObject = new Map();
      for (const name of gone) {
        const embeddings = (this.embeddings(docid, name) ?? []).map((one) => one.map(float));
        const full: JsonObject = new Map<string, Json>([['regenerate', false]]);
        vectors.set(name, full.set('embeddings', embeddings));
      }
      for (const [name, value] of stored.vectors ?? []) {
        if (!gone.includes(name)) vectors.set(name, value);
      }
      this.documents.set(docid, { ...stored, vectors });
    }
  }

  private embeddings(docid: number, embedder: string): number[][] | null {
    return embeddingsOf(this.documents.get(docid)?.vectors ?? null, embedder);
  }

  private rebuildFacets(): void {
    const filterable = this.settings.get('filterableAttributes');
    this.facets = new FacetIndex(Array.isArray(filterable) ? (filterable as Json[]) : []);
    for (const docid of this.sortedDocids()) {
      const stored = this.documents.get(docid);
      if (stored !== undefined) this.facets.add(docid, stored.document);
    }
  }

  private rebuildEngine(): void {
    this.engine = new SearchIndex(engineSettings(this.settings));
    for (const docid of this.sortedDocids()) {
      const stored = this.documents.get(docid);
      if (stored !== undefined) this.engine.upsert(docid, withVectors(stored));
    }
  }

  private link(docid: number): void {
    const stored = this.documents.get(docid);
    if (stored === undefined) return;
    for (const name of stored.document.keys()) {
      this.fieldCounts.set(name, (this.fieldCounts.get(name) ?? 0) + 1);
    }
    this.facets.add(docid, stored.document);
    this.engine.upsert(docid, withVectors(stored));
  }

  private unlink(docid: number): void {
    const document = this.documents.get(docid)?.document;
    if (document === undefined) return;
    for (const name of document.keys()) {
      const count = (this.fieldCounts.get(name) ?? 0) - 1;
      if (count > 0) this.fieldCounts.set(name, count);
      else this.fieldCounts.delete(name);
    }
    this.facets.remove(docid);
    this.engine.remove(docid);
  }

  private noteField(name: string): void {
    if (!this.fieldOrder.has(name)) this.fieldOrder.set(name, this.fieldOrder.size);
  }

  private orderOf(name: string): number {
    return this.fieldOrder.get(name) ?? 0;
  }
}

/** The document as the engine wants it: with its vectors. */
function withVectors({ document, vectors }: StoredDocument): JsonObject {
  return vectors === null ? document : new Map([...document, ['_vectors', vectors]]);
}

/** The error of a primary key that differs from the one the index has. */
export function primaryKeyExists(primaryKey: string, prefix = ''): ApiError {
  const message = `${prefix}Index already has a primary key: \`${primaryKey}\`.`;
  return new ApiError('index_primary_key_already_exists', message);
}
