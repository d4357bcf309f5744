import { wrapEditFunction } from '../../../core/edit-function';
import { joinFilters } from '../../../core/filter/normalize';
import type { IndexEntry } from '../../../core/fleet';
import { bucketFilter } from '../../../core/hidden-fields';
import type { PhysicalUid, ShardId } from '../../../core/ids';
import type { FleetCache } from '../../fleet-cache';
import { evenCopies, writersOf } from '../index-changes';
import type { JsonObject, NodeWork, Operation, PlanInput, WritePlan } from '../plan';
import { shardsOf } from '../quorum';
import { finalPlan, selectIn, writeName } from './common';
import { countRule, shardsHeld } from './delete-documents';
import type { CountDocuments, Doomed } from './delete-documents';

/** A function over documents, checked: it compiles by itself. */
export interface Edit {
  readonly function: string;
  readonly context: JsonObject | null;
  /** The documents it is applied to: those of a filter, or all. */
  readonly which: Extract<Doomed, { kind: 'filter' | 'all' }>;
}

/**
 * Edits documents by a function. Every copy runs it for itself: it knows neither the time nor chance,
 * so equal copies stay equal. A document cannot change its primary key and so stays on its shard.
 */
export class EditDocuments implements Operation {
  readonly names: readonly string[];

  constructor(
    private readonly input: { name: string; edit: Edit; count: CountDocuments },
    readonly customMetadata?: string,
    readonly idempotency?: { readonly key: string; readonly bodyHash: string },
  ) {
    this.names = [input.name];
  }

  target(fleet: FleetCache): PhysicalUid | null {
    return fleet.index(writeName(fleet, this.input.name))?.entry.physicalUid ?? null;
  }

  async plan({ fleet }: PlanInput): Promise<WritePlan> {
    const { which } = this.input.edit;
    const filter = which.kind === 'filter' ? which.original : null;
    const { uid, entry, refused } = selectIn(fleet, this.input.name, filter);
    const task = { type: 'documentEdition' as const, indexUid: uid };
    if (refused !== null) return finalPlan({ ...task, details: this.#details(0) }, refused);
    const touched = shardsOf(entry, 'all');
    const even = evenCopies(entry, touched);
    const expected = even === null ? await this.input.count(entry, which) : null;
    return {
      physicalUid: entry.physicalUid,
      entry,
      ...task,
      details: this.#details(null),
      extra: { count: countRule(even, expected) },
      shards: 'all',
      journal: 'all',
      sequences: 0,
      changes: [],
      final: touched.length === 0 ? { error: null, details: this.#details(0) } : null,
      work: () => this.#work(entry, touched),
    };
  }

  #work(entry: IndexEntry, touched: readonly ShardId[]): NodeWork[] {
    const { context, which, function: text } = this.input.edit;
    const wrapped = wrapEditFunction(text);
    return [...writersOf(entry, touched)].map(([node, shards]) => {
      const partly = shardsHeld(entry, node) > shards.length;
      const only = partly ? bucketFilter(shards, entry.shardCount) : null;
      const filter = joinFilters(only, null, which.kind === 'filter' ? which.parts : null);
      const body = {
        function: wrapped,
        ...(filter === null ? {} : { filter }),
        ...(context === null ? {} : { context }),
      };
      return { node, shards, steps: [{ kind: 'edit', body }] };
    });
  }

  #details(count: number | null): JsonObject {
    const { context, which, function: text } = this.input.edit;
    return {
      deletedDocuments: count,
      editedDocuments: count,
      originalFilter: which.kind === 'filter' ? JSON.stringify(which.original) : null,
      context,
      function: text,
    };
  }
}
