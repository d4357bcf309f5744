/** Routes of the node as a whole: health, version, statistics, experimental features. */
import { formatDate } from '../clock';
import { ok } from '../http/answer';
import { jsonBody } from '../http/request';
import type { Router } from '../http/router';
import * as check from '../http/validate';
import { FEATURES } from '../node';
import type { EmbeddedNode } from '../node';
import { indexStats } from './indexes';

const VERSION = {
  commitSha: '5cb2f2e94befc717bbea60fec4a31ee64d2f60fd',
  commitDate: '2026-07-23T14:39:41.000000000Z',
  pkgVersion: '1.50.0',
};

function stats(node: EmbeddedNode): Record<string, unknown> {
  const indexes = new Map<string, ReturnType<typeof indexStats>>();
  let lastUpdate: number | null = null;
  let bytes = 0;
  for (const [uid, index] of [...node.indexes].sort(([left], [right]) => (left < right ? -1 : 1))) {
    const ofIndex = indexStats(index, node.queue.isIndexing(uid));
    indexes.set(uid, ofIndex);
    bytes += Number(ofIndex['rawDocumentDbSize']);
    lastUpdate = Math.max(lastUpdate ?? 0, index.updatedAt);
  }
  return {
    databaseSize: bytes,
    usedDatabaseSize: bytes,
    lastUpdate: lastUpdate === null ? null : formatDate(lastUpdate),
    indexes,
  };
}

export function addInstanceRoutes(router: Router, node: EmbeddedNode): void {
  router.add('GET', '/health', () => ok({ status: 'available' }));
  router.add('GET', '/version', () => ok(VERSION));
  router.add('GET', '/stats', () => ok(stats(node)));
  router.add('GET', '/experimental-features', () => ok(node.features));
  router.add('PATCH', '/experimental-features', (request) => {
    const body = check.asStruct(jsonBody(request), FEATURES, check.ROOT);
    const changes: Record<string, boolean> = {};
    for (const [name, value] of body) {
      if (value !== null) changes[name] = check.asBoolean(value, check.child(check.ROOT, name));
    }
    node.setFeatures(changes);
    return ok(node.features);
  });
}
