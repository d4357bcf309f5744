import { MeiliError } from '../../core/errors';
import { normalizeClientFilter } from '../../core/filter/normalize';
import type { FilterPart } from '../../core/filter/normalize';
import type { JsonValue } from '../../core/fleet';
import type { ApiContext } from '../context';
import { clientOf } from '../client-of';

/**
 * The filter in the form for nodes. What is wrong with its syntax is said at once and in a node's own
 * words; a name that is not filterable is found only by the task.
 */
export async function readWrittenFilter(
  ctx: ApiContext,
  name: string,
  filter: JsonValue,
): Promise<readonly FilterPart[]> {
  const normalized = normalizeClientFilter(filter);
  if (normalized.ok) {
    if (normalized.parts.length > 0) return normalized.parts;
    throw new MeiliError('invalid_document_filter', 'Sending an empty filter is forbidden.');
  }
  const entry = ctx.fleet.index(name)?.entry;
  const node = entry?.placement[0]?.shards[0]?.find(({ state }) => state === 'in-sync')?.node;
  const client = node === undefined ? null : clientOf(ctx, node);
  const answer =
    entry === undefined || client === null
      ? null
      : await client
          .request({
            method: 'POST',
            path: `/indexes/${entry.physicalUid}/documents/fetch`,
            body: { filter, limit: 0 },
          })
          .catch(() => null);
  const said =
    answer === null || answer.status < 400
      ? null
      : (JSON.parse(answer.bytes.toString()) as { message?: string });
  const message = said?.message ?? wrongFilter(filter).message;
  const own = entry === undefined ? message : message.replaceAll(entry.physicalUid, name);
  throw new MeiliError('invalid_document_filter', own);
}

/** For a value that is neither text nor a list. */
export function wrongFilter(filter: JsonValue): MeiliError {
  return new MeiliError(
    'invalid_document_filter',
    `Invalid syntax for the filter parameter: \`expected String, Array, found: ${JSON.stringify(filter)}\`.`,
  );
}
