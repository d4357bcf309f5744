import { MeiliError } from '../../core/errors';
import type { JsonValue } from '../../core/fleet';
import { matchesPattern } from './actions';
import type { SearchRules } from './tenant-token';
import { ruleFor } from './tenant-token';

/**
 * Who asks, and for which indexes. Names are the ones that the client wrote: a key for `products`
 * keeps working when the alias `products` points at another index, and aliases are made by operators.
 */
export class Caller {
  constructor(
    readonly kind: 'open' | 'master' | 'key' | 'tenant',
    readonly keyUid: string | null,
    /** Patterns of index uids; null: all. */
    readonly patterns: readonly string[] | null,
    readonly rules: SearchRules | null,
  ) {}

  allowsIndex(uid: string): boolean {
    const byKey = this.patterns === null || this.patterns.some((p) => matchesPattern(p, uid));
    return byKey && (this.rules === null || ruleFor(this.rules, uid) !== undefined);
  }

  /** Throws Meilisearch's 403 for an index out of scope. */
  demandIndex(uid: string): void {
    if (this.patterns !== null && !this.patterns.some((p) => matchesPattern(p, uid))) {
      throw new MeiliError(
        'invalid_api_key',
        this.kind === 'tenant'
          ? `The API key used to generate this tenant token cannot acces the index \`${uid}\`.`
          : `The API key cannot acces the index \`${uid}\`, authorized indexes are ${list(this.patterns)}.`,
      );
    }
    if (this.rules !== null && ruleFor(this.rules, uid) === undefined) {
      const allowed = list([...this.rules.keys()].sort());
      throw new MeiliError(
        'invalid_api_key',
        `The provided tenant token cannot acces the index \`${uid}\`, allowed indexes are ${allowed}.`,
      );
    }
  }

  /** The filter that every search of this index must also satisfy; null when there is none. */
  tenantFilter(uid: string): JsonValue {
    return this.rules === null ? null : (ruleFor(this.rules, uid)?.filter ?? null);
  }
}

export const openCaller = new Caller('open', null, null, null);
export const masterCaller = new Caller('master', null, null, null);

/** Rust's debug form of a list of strings, which the error texts print. */
function list(items: readonly string[]): string {
  return `[${items.map((item) => JSON.stringify(item)).join(', ')}]`;
}
