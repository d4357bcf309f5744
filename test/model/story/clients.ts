import { isMeiliError } from '../../../core/errors';
import type { JsonValue } from '../../../core/fleet';
import { normalizeClientFilter } from '../../../core/filter/normalize';
import { indexUid } from '../../../core/ids';
import { parseSearchBody } from '../../../core/search/request';
import { applySettings } from '../../../core/settings/apply';
import type { ApiContext } from '../../../api/context';
import { runSearch } from '../../../api/search/search';
import { searchTarget } from '../../../api/routes/target';
import { countDocuments } from '../../../api/writes/count';
import { sourceInMemory } from '../../../api/writes/document-source';
import { AddDocuments } from '../../../api/writes/operations/add-documents';
import { DeleteDocuments } from '../../../api/writes/operations/delete-documents';
import type { Doomed } from '../../../api/writes/operations/delete-documents';
import {
  CreateIndex,
  DeleteIndex,
  SwapIndexes,
  UpdateIndex,
} from '../../../api/writes/operations/index-operations';
import { UpdateSettings } from '../../../api/writes/operations/update-settings';
import type { Operation } from '../../../api/writes/plan';
import { alias } from './generate';
import type { SearchSpec, WriteSpec } from './types';

/** Settings that clients choose between; each keeps what the stories filter and sort by. */
export const settingsVariants: readonly Readonly<Record<string, JsonValue>>[] = [
  { filterableAttributes: ['tag'], sortableAttributes: ['version'] },
  { filterableAttributes: ['tag', 'rank'], sortableAttributes: ['version', 'rank'] },
  { filterableAttributes: ['tag'], sortableAttributes: ['version'], stopWords: ['sky'] },
  {
    filterableAttributes: ['tag'],
    sortableAttributes: ['version'],
    synonyms: { sun: ['star'], star: ['sun'] },
  },
];

/** The operation that the route of a write submits. The alias has no operation: it is a catalogue change. */
function operationOf(
  ctx: ApiContext,
  spec: Exclude<WriteSpec, { kind: 'alias' }>,
  id: string,
): Operation {
  switch (spec.kind) {
    case 'add':
      return new AddDocuments(
        {
          name: indexUid(spec.index),
          method: spec.method,
          source: sourceInMemory(Buffer.from(JSON.stringify(spec.documents)), {
            format: 'json',
            csvDelimiter: null,
          }),
          primaryKey: 'id',
          skipCreation: false,
          mayCreate: true,
          defaults: ctx.config.fleet,
        },
        id,
      );
    case 'delete':
      return deletion(ctx, spec.index, { kind: 'ids', ids: spec.ids }, id);
    case 'delete-all':
      return deletion(ctx, spec.index, { kind: 'all' }, id);
    case 'delete-filter': {
      const original = `tag = ${spec.tag}`;
      const normalized = normalizeClientFilter(original);
      if (!normalized.ok) throw new Error('The filter of the story is wrong.');
      return deletion(ctx, spec.index, { kind: 'filter', original, parts: normalized.parts }, id);
    }
    case 'settings': {
      const sent = settingsVariants[spec.variant] ?? {};
      return new UpdateSettings({
        name: spec.index,
        mayCreate: false,
        apply: (present) => applySettings(present, sent),
        sent,
        defaults: ctx.config.fleet,
      });
    }
    case 'create-index': {
      const defaults = ctx.config.fleet;
      return new CreateIndex({ uid: indexUid(spec.index), primaryKey: 'id', defaults });
    }
    case 'delete-index':
      return new DeleteIndex({
        uid: indexUid(spec.index),
        count: (entry, what) => countDocuments(ctx, entry, what),
      });
    case 'rename-index':
      return new UpdateIndex({
        uid: indexUid(spec.index),
        primaryKey: null,
        newUid: indexUid(spec.to),
        countWhenQuiet: () => Promise.resolve(0),
      });
    case 'swap':
      return new SwapIndexes([
        { indexes: [indexUid(spec.indexes[0]), indexUid(spec.indexes[1])], rename: false },
      ]);
  }
}

function deletion(ctx: ApiContext, name: string, doomed: Doomed, id: string): Operation {
  return new DeleteDocuments(
    { name, doomed, count: (entry, what) => countDocuments(ctx, entry, what) },
    id,
  );
}

/** Returns the uid of the task; null for the alias, which has none. To be called for the pod. */
export async function write(ctx: ApiContext, spec: WriteSpec, id: string): Promise<number | null> {
  if (spec.kind !== 'alias') {
    const { task } = await ctx.writes.submit(operationOf(ctx, spec, id));
    return task.uid;
  }
  const audit = { who: 'operator', why: 'the model', what: `alias ${alias}` };
  const fleet = await ctx.store.fleet.update(audit, () => [
    {
      op: 'set-alias',
      alias: { name: indexUid(alias), targets: [indexUid(spec.target)], history: [] },
    },
  ]);
  await ctx.fleet.reload(fleet.epoch);
  return null;
}

export interface SearchResult {
  readonly physicalUid: string;
  /** The epoch of the pod when it began. */
  readonly epoch: number;
  readonly hits: readonly Readonly<Record<string, unknown>>[];
  readonly total: number;
  readonly body: Readonly<Record<string, JsonValue>>;
  readonly degraded: string | null;
}

/** To be called for the pod. */
export async function search(ctx: ApiContext, spec: SearchSpec): Promise<SearchResult> {
  const parsed = parseSearchBody(spec.body as unknown as JsonValue);
  if (!parsed.ok) throw parsed.error;
  const target = searchTarget(ctx, spec.index);
  const [entry] = target.entries;
  const { epoch } = ctx.fleet.current();
  const answer = await runSearch(ctx, target, parsed.request, {
    tenantFilter: null,
    wish: undefined,
  });
  const body = JSON.parse(Buffer.from(answer.bytes).toString()) as Record<string, JsonValue>;
  return {
    physicalUid: entry.physicalUid,
    epoch,
    hits: body['hits'] as unknown as SearchResult['hits'],
    total: body['estimatedTotalHits'] as number,
    body,
    degraded: answer.headers['x-miroir-degraded'] ?? null,
  };
}

/**
 * What a client is told of an error: its code, `internal` for a connection to Redis that broke, and
 * `defect` for what nobody foresaw.
 */
export function codeOf(error: unknown): { code: string; message: string } {
  const { message, name, stack } = error as Error;
  if (isMeiliError(error)) return { code: error.code, message };
  if (name === 'ConnectionError') return { code: 'internal', message };
  return { code: 'defect', message: stack ?? message };
}
