import type { Config } from '../../../config/config';
import { MeiliError } from '../../../core/errors';
import type { IndexEntry } from '../../../core/fleet';
import type { IndexUid, PhysicalUid } from '../../../core/ids';
import type { FleetCache } from '../../fleet-cache';
import {
  creation,
  evenCopies,
  newEntry,
  newPhysicalUid,
  setIndex,
  workForHolders,
} from '../index-changes';
import type { Operation, PlanInput, WritePlan } from '../plan';
import { shardsOf } from '../quorum';
import type { CountDocuments } from './delete-documents';
import { countRule } from './delete-documents';
import { finalPlan, indexNotFound, writeName } from './common';

const client = { who: 'client', why: 'indexes route' };

export class CreateIndex implements Operation {
  readonly names: readonly string[];
  readonly #newUid: PhysicalUid;

  constructor(
    private readonly input: { uid: IndexUid; primaryKey: string | null; defaults: Config['fleet'] },
  ) {
    this.names = [input.uid];
    this.#newUid = newPhysicalUid(input.uid);
  }

  target(fleet: FleetCache): PhysicalUid | null {
    return isTaken(fleet, this.input.uid) ? null : this.#newUid;
  }

  async plan({ fleet }: PlanInput): Promise<WritePlan> {
    const { uid, primaryKey, defaults } = this.input;
    const details = { primaryKey };
    if (isTaken(fleet, uid)) {
      const error = new MeiliError('index_already_exists', `Index \`${uid}\` already exists.`);
      return finalPlan({ type: 'indexCreation', indexUid: uid, details }, error.toBody());
    }
    const now = new Date().toISOString();
    const entry = newEntry(fleet.current(), defaults, {
      uid,
      physicalUid: this.#newUid,
      primaryKey,
      now,
    });
    return {
      ...catalogueWrite(entry, 'create index'),
      type: 'indexCreation',
      details,
      changes: creation(entry),
      work: () => workForHolders(entry, [], []),
    };
  }
}

/** An alias takes the name of an index, too: a write to it would not reach the new index. */
function isTaken(fleet: FleetCache, uid: string): boolean {
  return fleet.index(uid) !== null || fleet.alias(uid) !== null;
}

export class UpdateIndex implements Operation {
  readonly names: readonly string[];

  constructor(
    private readonly input: {
      uid: IndexUid;
      primaryKey: string | null;
      newUid: IndexUid | null;
      /** Documents of the index once all earlier writes are worked off. */
      countWhenQuiet: (entry: IndexEntry) => Promise<number>;
    },
  ) {
    this.names = input.newUid === null ? [input.uid] : [input.uid, input.newUid];
  }

  target(fleet: FleetCache): PhysicalUid | null {
    return fleet.index(writeName(fleet, this.input.uid))?.entry.physicalUid ?? null;
  }

  async plan({ fleet }: PlanInput): Promise<WritePlan> {
    const { primaryKey, newUid } = this.input;
    const uid = writeName(fleet, this.input.uid);
    const details = {
      primaryKey,
      ...(newUid === null ? {} : { oldIndexUid: uid, newIndexUid: newUid }),
    };
    const task = { type: 'indexUpdate' as const, indexUid: uid, details };
    const entry = fleet.index(uid)?.entry;
    if (entry === undefined) return finalPlan(task, indexNotFound(uid));
    // To its own name is no change, and no error either.
    if (newUid !== null && newUid !== uid && isTaken(fleet, newUid)) {
      return finalPlan(task, renameRefused(uid, newUid).toBody());
    }
    const keyChanges = primaryKey !== null && primaryKey !== entry.primaryKey;
    if (keyChanges && entry.primaryKey !== null && (await this.input.countWhenQuiet(entry)) > 0) {
      const message = `Index \`${uid}\`: Index already has a primary key: \`${entry.primaryKey}\`.`;
      return finalPlan(task, new MeiliError('index_primary_key_already_exists', message).toBody());
    }
    const after: IndexEntry = {
      ...entry,
      uid: newUid ?? entry.uid,
      primaryKey: primaryKey ?? entry.primaryKey,
      updatedAt: new Date().toISOString(),
    };
    const shards = shardsOf(after, keyChanges ? 'all' : []);
    return {
      ...catalogueWrite(after, 'update index'),
      type: 'indexUpdate',
      indexUid: uid,
      details,
      changes: [
        ...(newUid === null ? [] : [{ op: 'remove-index' as const, uid: entry.uid }]),
        setIndex(after),
      ],
      final: keyChanges ? null : { error: null, details },
      work: () =>
        keyChanges ? workForHolders(after, shards, [{ kind: 'update-index', primaryKey }]) : [],
    };
  }
}

function renameRefused(from: string, to: string): MeiliError {
  return new MeiliError(
    'index_already_exists',
    `Cannot rename \`${from}\` to \`${to}\` as the index already exists. Hint: You can remove \`${to}\` first and then do your remove.`,
  );
}

export class DeleteIndex implements Operation {
  readonly names: readonly string[];

  constructor(private readonly input: { uid: IndexUid; count: CountDocuments }) {
    this.names = [input.uid];
  }

  target(fleet: FleetCache): PhysicalUid | null {
    return fleet.index(this.input.uid)?.entry.physicalUid ?? null;
  }

  async plan({ fleet }: PlanInput): Promise<WritePlan> {
    const found = fleet.index(this.input.uid);
    // Deleting an alias is an operator's act: through it no index is deleted.
    if (found === null || found.viaAlias !== null) {
      const task = {
        type: 'indexDeletion' as const,
        indexUid: this.input.uid,
        details: { deletedDocuments: 0 },
      };
      return finalPlan(task, indexNotFound(this.input.uid));
    }
    const { entry } = found;
    const shards = shardsOf(entry, 'all');
    const even = evenCopies(entry, shards);
    const expected = even === null ? await this.input.count(entry, { kind: 'all' }) : null;
    return {
      ...catalogueWrite(entry, 'delete index'),
      type: 'indexDeletion',
      details: { deletedDocuments: null },
      extra: { count: countRule(even, expected) },
      changes: [
        { op: 'remove-index', uid: entry.uid },
        { op: 'remove-placement', physicalUid: entry.physicalUid },
      ],
      work: () => workForHolders(entry, shards, [{ kind: 'delete-index' }]),
    };
  }
}

export interface Swap {
  readonly indexes: readonly [IndexUid, IndexUid];
  readonly rename: boolean;
}

/** Exchanges what names mean; no document moves, and all swaps of the task happen at one instant. */
export class SwapIndexes implements Operation {
  readonly names: readonly string[];

  constructor(private readonly swaps: readonly Swap[]) {
    this.names = swaps.flatMap(({ indexes }) => indexes);
  }

  target(): null {
    return null;
  }

  async plan({ fleet }: PlanInput): Promise<WritePlan> {
    const details = {
      swaps: this.swaps.map(({ indexes, rename }) => ({ indexes: [...indexes], rename })),
    };
    const task = { type: 'indexSwap' as const, indexUid: null, details };
    const entryOf = (uid: IndexUid): IndexEntry | undefined =>
      fleet.current().indexes.find((entry) => entry.uid === uid);
    const missing = this.swaps.flatMap(({ indexes: [left, right], rename }) =>
      [left, ...(rename ? [] : [right])].filter((uid) => entryOf(uid) === undefined),
    );
    if (missing.length > 0) return finalPlan(task, missingError(missing));
    const taken = this.swaps.find(({ indexes, rename }) => rename && isTaken(fleet, indexes[1]));
    if (taken !== undefined) {
      return finalPlan(task, renameRefused(taken.indexes[0], taken.indexes[1]).toBody());
    }
    const plan = finalPlan(task, null);
    return {
      ...plan,
      // The follower ends it, when the earlier tasks of these indexes are over.
      final: null,
      extra: { indexUids: [...this.names] },
      audit: { ...client, what: 'swap indexes' },
      changes: this.swaps.flatMap(({ indexes: [left, right], rename }) => {
        const [a, b] = [entryOf(left), entryOf(right)];
        if (a === undefined) return [];
        if (rename || b === undefined) {
          return [{ op: 'remove-index' as const, uid: left }, setIndex({ ...a, uid: right })];
        }
        return [setIndex({ ...b, uid: left }), setIndex({ ...a, uid: right })];
      }),
    };
  }
}

function missingError(missing: readonly IndexUid[]): ReturnType<typeof indexNotFound> {
  const [only] = missing;
  if (missing.length === 1 && only !== undefined) return indexNotFound(only);
  const list = [...missing]
    .sort()
    .map((uid) => `\`${uid}\``)
    .join(', ');
  return new MeiliError('index_not_found', `Indexes ${list} not found.`).toBody();
}

/** What all writes of the catalogue have in common; it touches no shard unless said otherwise. */
function catalogueWrite(entry: IndexEntry, what: string): WritePlan {
  return {
    physicalUid: entry.physicalUid,
    entry,
    type: 'indexUpdate',
    indexUid: entry.uid,
    details: null,
    extra: {},
    shards: [],
    journal: null,
    sequences: 0,
    changes: [],
    audit: { ...client, what },
    final: null,
    work: () => [],
  };
}
