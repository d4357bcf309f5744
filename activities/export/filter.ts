import { normalizeClientFilter } from '../../core/filter/normalize';
import type { FilterPart } from '../../core/filter/normalize';
import type { IndexEntry, JsonValue } from '../../core/fleet';
import { hiddenInWrittenFilter } from '../../core/search/hidden-names';
import { translateNodeError } from '../../core/search/node-error';
import { isNodeError } from '../../meili/node-error';
import { refuse } from '../errors';
import type { NodeSide } from '../node-queue';
import { countDocuments } from '../sync/read-documents';
import type { Call } from '../tools';

/**
 * The filter in the form for nodes, after a node has taken it. Refused as `export-filter` with the
 * engine's text where its syntax is wrong or it names a field that cannot be filtered by.
 */
export async function checkedFilter(
  entry: IndexEntry,
  filter: JsonValue,
  { side, call }: { readonly side: NodeSide; readonly call: Call },
): Promise<readonly FilterPart[]> {
  const normal = normalizeClientFilter(filter);
  if (normal.ok && normal.parts.length === 0) return [];
  const hidden = hiddenInWrittenFilter(filter, entry.settings);
  if (hidden !== null) throw wrong(entry, hidden);
  if (!isFilter(filter)) {
    const found = `expected String, Array, found: ${JSON.stringify(filter)}`;
    throw wrong(entry, `Invalid syntax for the filter parameter: \`${found}\`.`);
  }
  try {
    // In the client's own words, so that what a node says about them quotes them.
    await countDocuments(side, filter, call.signal);
  } catch (error) {
    if (!isNodeError(error) || error.body === null) throw error;
    // A node that was away when the index was made has none of it, and says nothing of filters.
    if (error.status === 404 && normal.ok) return normal.parts;
    if (error.status !== 400) throw error;
    const { uid: indexUid, physicalUid, settings } = entry;
    const body = { ...error.body } as { [member: string]: JsonValue };
    const context = { body, status: 400, indexUid, physicalUid, settings };
    throw wrong(entry, translateNodeError(context).message);
  }
  if (normal.ok) return normal.parts;
  // The node knows more of the language than is read here; dropping it would send everything.
  return (Array.isArray(filter) ? filter : [filter]) as readonly FilterPart[];
}

const isFilter = (filter: JsonValue): boolean =>
  typeof filter === 'string' || Array.isArray(filter);

function wrong({ uid }: IndexEntry, text: string): Error {
  const prefix = `Index \`${uid}\`: `;
  return refuse('export-filter', text.startsWith(prefix) ? text : `${prefix}${text}`);
}
