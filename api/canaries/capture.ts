import { createHash } from 'node:crypto';
import type { JsonValue } from '../../core/fleet';
import { indexUid } from '../../core/ids';
import { readHits } from '../../core/search/read-hits';
import type { SearchRequest } from '../../core/search/types';
import type { ApiContext } from '../context';
import type { SearchTarget } from '../search/types';

/** As many hits as a canary compares. */
const idsMax = 20;
/** A vector or a list of a thousand ids is nobody's golden query. */
const bodyBytesMax = 4_096;

/**
 * Keeps a sample of the searches that clients make, for an operator to make canaries of. It is off unless
 * the configuration says otherwise, comes after the answer, and keeps no header and no key; searches of
 * tenant tokens are left out, because their answers depend on who asks; those of canaries are not offered.
 */
export function offerForCapture(
  ctx: Pick<ApiContext, 'config' | 'store' | 'log'>,
  search: {
    readonly target: SearchTarget;
    readonly request: SearchRequest;
    readonly answer: Uint8Array;
    readonly tenantFilter: JsonValue;
  },
): void {
  const { capturePerMille } = ctx.config.canaries;
  if (capturePerMille === 0 || Math.random() * 1_000 >= capturePerMille) return;
  if (search.tenantFilter !== null) return;
  keep(ctx, search).catch((error: unknown) => {
    ctx.log.debug({ err: error }, 'a search was not kept');
  });
}

async function keep(
  ctx: Pick<ApiContext, 'config' | 'store'>,
  search: { target: SearchTarget; request: SearchRequest; answer: Uint8Array },
): Promise<void> {
  const { target, request, answer } = search;
  const { primaryKey } = target.entries[0];
  const body = JSON.stringify(request.body);
  if (primaryKey === null || Buffer.byteLength(body) > bodyBytesMax) return;
  const { ids, total } = readHits(answer, primaryKey);
  // A search that finds nothing says nothing about the order of hits.
  if (ids.length === 0) return;
  const id = createHash('sha256').update(`${target.name}\n${body}`).digest('hex').slice(0, 16);
  const { capturedQueries } = ctx.store;
  const now = Date.now();
  await capturedQueries.put({
    id,
    index: indexUid(target.name),
    query: request.body,
    ids: ids.slice(0, idsMax),
    total,
    seen: ((await capturedQueries.get(id))?.seen ?? 0) + 1,
    at: new Date(now).toISOString(),
    expiresAt: now + ctx.config.canaries.captureKeepMs,
  });
}
