import type { SearchResult } from '../story/clients';
import type { SearchSpec } from '../story/types';
import type { RunLog } from './log';
import { isFinal } from './log';
import { contentOf, orderedWrites, possibleContents, touches } from './expected';

/**
 * What one search of a run may not show: a document twice, an old or a wrong content of a document that
 * nobody was writing, one that is gone, or not one that is there. `from` and `to`: the model's time
 * around the search. Documents that some write may be changing are left out, and so are the writes that
 * a pod cannot know of yet, because they made a replica stale in an epoch that it has not loaded.
 */
export function searchFaults(
  log: RunLog,
  spec: SearchSpec,
  { result, from, to }: { result: SearchResult; from: number; to: number },
): string[] {
  const faults: string[] = [];
  const ids = result.hits.map((hit) => String(hit['id']));
  const seen = new Map(result.hits.map((hit) => [String(hit['id']), hit]));
  if (seen.size !== ids.length) {
    const twice = ids.filter((id, at) => ids.indexOf(id) !== at);
    faults.push(`a search saw ${twice.join(', ')} twice`);
  }
  if (result.total !== ids.length) {
    faults.push(
      `a search counted ${String(result.total)} documents and showed ${String(ids.length)}`,
    );
  }
  if (result.hits.some((hit) => Object.keys(hit).some((name) => name.startsWith('_miroir_')))) {
    faults.push('a search showed hidden fields');
  }
  if (spec.body['q'] !== undefined || result.degraded !== null) return faults;
  const tag = /^tag = (.*)$/.exec(String(spec.body['filter'] ?? ''))?.[1];
  for (const id of stableIds(log, result, { from, to })) {
    const possible = possibleContents(orderedWrites(log, result.physicalUid), id);
    const hit = seen.get(id);
    const wanted = [...possible].map((content) => matching(content, tag));
    const shown = hit === undefined ? null : contentOf(hit);
    if (!wanted.includes(shown)) {
      faults.push(
        `a search of ${result.physicalUid} showed ${id} as ${String(shown)}, not as ${wanted.join(' or ')}`,
      );
    }
  }
  return faults;
}

function matching(content: string | null, tag: string | undefined): string | null {
  if (content === null || tag === undefined) return content;
  return (JSON.parse(content) as { tag?: string }).tag === tag ? content : null;
}

/** Documents whose every write was over, as any client could see, before the search began. */
function stableIds(
  log: RunLog,
  { physicalUid, epoch }: SearchResult,
  { from, to }: { from: number; to: number },
): string[] {
  const ids = new Set<string>();
  for (const { spec } of log.writes) {
    if (spec.kind === 'add') for (const { id } of spec.documents) ids.add(id);
  }
  const unstable = (id: string): boolean =>
    log.writes.some((write) => {
      if (write.submittedAt >= to || !touches(write.spec, id)) return false;
      const task = log.taskOf(write);
      if (task === null) return true;
      if (task.physicalUid !== physicalUid) return !isFinal(task);
      return task.settledAt === null || task.settledAt >= from || task.settledEpoch > epoch;
    });
  return [...ids].filter((id) => !unstable(id));
}
