import type { JsonValue } from '../../core/fleet';
import type { ApiContext } from '../context';
import type { Caller } from './caller';

/**
 * The filter that every search of this name must also satisfy: the rule for the name that the client
 * wrote and, where that is an alias, the rules for the names of its targets. A tenant whose token was
 * made for `products_v2` sees no more of it through the alias `products`. Null when there is none.
 */
export function tenantFilterOf(
  ctx: Pick<ApiContext, 'fleet'>,
  caller: Caller,
  name: string,
): JsonValue {
  const direct = ctx.fleet.index(name)?.viaAlias === null;
  const targets = direct ? [] : (ctx.fleet.alias(name)?.targets ?? []);
  const filters = new Map<string, JsonValue>();
  for (const uid of [name, ...targets]) {
    const filter = caller.tenantFilter(uid);
    if (filter !== null) filters.set(JSON.stringify(filter), filter);
  }
  const [first = null, ...more] = filters.values();
  // Members of a filter's array are ANDed; only one array deeper means OR.
  return more.length === 0 ? first : [first, ...more].flat();
}
