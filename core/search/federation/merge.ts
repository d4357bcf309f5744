import { compareUtf8 } from '../rust-text';
import { DistinctFilter } from '../distinct';
import { maxTotalHits } from '../fields';
import type { Paging } from '../types';
import type { FederatedHit, QueryList } from './query-list';
import { compareWeighted } from './weighted-scores';

export interface FederationMerge {
  readonly lists: readonly QueryList[];
  readonly paging: Paging;
  /** `federation.distinct`. */
  readonly distinct: string | null;
}

export interface MergedHits {
  /** The client's window. */
  readonly shown: readonly FederatedHit[];
  /** Hits that `distinct` dropped because another index had a better one: they are counted no more. */
  readonly rejected: number;
  /** Documents that `distinct` dropped because another query of their index had a better one. */
  readonly rejectedIds: ReadonlySet<string>;
}

/**
 * Merges the lists of all queries as Meilisearch does: first those of one index, of which each document
 * is kept once, then the indexes. The order within a list is trusted; equal hits stand in the order of
 * their queries.
 */
export function mergeFederation(input: FederationMerge): MergedHits {
  const needed = federatedWindow(input.paging);
  const rejectedIds = new Set<string>();
  const indexes = byIndex(input.lists).map((lists) =>
    mergeIndex(lists, { distinctField: input.distinct, needed: needed.end, rejectedIds }),
  );
  const distinct = input.distinct === null ? null : new DistinctFilter(input.distinct);
  const merged = mergeSorted(indexes).filter(({ hit }) => distinct?.admit(hit) !== false);
  const all = indexes.reduce((sum, hits) => sum + hits.length, 0);
  return {
    shown: merged.slice(needed.start, needed.end),
    rejected: all - merged.length,
    rejectedIds,
  };
}

/** First hit and the one after the last, in the merged list. */
export function federatedWindow(paging: Paging): { start: number; end: number } {
  if (paging.mode === 'offset') {
    return { start: paging.offset, end: paging.offset + paging.limit };
  }
  const { page, hitsPerPage } = paging;
  return page === 0
    ? { start: 0, end: 0 }
    : { start: (page - 1) * hitsPerPage, end: page * hitsPerPage };
}

/** The lists of each index by its uid, in the order in which the engine works through indexes. */
export function byIndex<T extends { readonly of: { readonly query: { indexUid: string } } }>(
  lists: readonly T[],
): T[][] {
  const groups = new Map<string, T[]>();
  for (const list of lists) {
    const uid = list.of.query.indexUid;
    const group = groups.get(uid);
    if (group === undefined) groups.set(uid, [list]);
    else group.push(list);
  }
  return [...groups].sort(([a], [b]) => compareUtf8(a, b)).map(([, group]) => group);
}

function mergeIndex(
  lists: readonly QueryList[],
  how: { distinctField: string | null; needed: number; rejectedIds: Set<string> },
): FederatedHit[] {
  const { distinctField, needed } = how;
  const [first] = lists;
  const max = Math.min(needed, first === undefined ? 0 : maxTotalHits(first.of.settings));
  const distinct = distinctField === null ? null : new DistinctFilter(distinctField);
  const seen = new Set<string>();
  const kept: FederatedHit[] = [];
  for (const found of mergeSorted(lists.map(({ hits }) => hits))) {
    if (kept.length >= max) break;
    if (seen.has(found.id)) continue;
    seen.add(found.id);
    if (distinct?.admit(found.hit) === false) {
      how.rejectedIds.add(found.id);
      continue;
    }
    kept.push(found);
  }
  return kept;
}

/** Takes the best head of all lists until they are empty. There are few lists, so heads are walked. */
function mergeSorted(lists: readonly (readonly FederatedHit[])[]): FederatedHit[] {
  const heads = lists.map(() => 0);
  const merged: FederatedHit[] = [];
  for (;;) {
    let best: { hit: FederatedHit; list: number } | null = null;
    for (let i = 0; i < lists.length; i++) {
      const hit = lists[i]?.[heads[i] ?? 0];
      if (hit !== undefined && (best === null || comesBefore(hit, best.hit))) {
        best = { hit, list: i };
      }
    }
    if (best === null) return merged;
    merged.push(best.hit);
    heads[best.list] = (heads[best.list] ?? 0) + 1;
  }
}

function comesBefore(a: FederatedHit, b: FederatedHit): boolean {
  const order = compareWeighted(a.weighted, b.weighted);
  return order > 0 || (order === 0 && a.of.query.position < b.of.query.position);
}
