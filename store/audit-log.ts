import type { Redis } from 'ioredis';
import type { JsonValue } from '../core/fleet';
import { auditEntriesMax } from '../core/limits';
import type { Keys } from './keys';
import { parsed } from './script';

/** One action of an operator, as it was answered. No secret and no document is ever in it. */
export interface AuditEntry {
  readonly who: string;
  readonly why: string;
  /** `POST /_miroir/nodes/{id}/drain`. */
  readonly action: string;
  /** The parameters of the path. */
  readonly target: { readonly [name: string]: string };
  /** Members of the body that are known to be no secret. */
  readonly details: { readonly [name: string]: JsonValue };
  /** The HTTP status it was answered with. */
  readonly status: number;
  /** The error's code, or null when it was accepted. */
  readonly refused: string | null;
  /** The operation it started or steered, if any. */
  readonly operation: string | null;
  /** The pod that took it. */
  readonly pod: string;
}

export interface StoredAuditEntry extends AuditEntry {
  /** Rises; the page before an entry is asked for by it. */
  readonly id: string;
  /** RFC 3339, by the clock of Redis. */
  readonly at: string;
}

export interface AuditPage {
  /** Entries older than this one; null: the newest. */
  readonly before: string | null;
  readonly limit: number;
}

export interface AuditLog {
  /** Appends; the oldest entries beyond the bound go. Entries are never changed. */
  append(entry: AuditEntry): Promise<void>;
  /** Newest first. */
  list(page: AuditPage): Promise<StoredAuditEntry[]>;
}

const idShape = /^\d+-\d+$/;

export const isAuditId = (text: string): boolean => idShape.test(text);

/** A Redis stream: it can be appended to and cut at its old end, and not be rewritten. */
export function createAuditLog({ redis, keys }: { redis: Redis; keys: Keys }): AuditLog {
  return {
    async append(entry) {
      const text = JSON.stringify(entry);
      await redis.xadd(keys.auditLog, 'MAXLEN', '~', auditEntriesMax, '*', 'entry', text);
    },
    async list({ before, limit }) {
      if (limit <= 0) return [];
      const from = before === null ? '+' : `(${before}`;
      const found = await redis.xrevrange(keys.auditLog, from, '-', 'COUNT', limit);
      return found.map(([id, fields]) => ({
        id,
        at: new Date(Number(id.split('-')[0])).toISOString(),
        ...parsed<AuditEntry>(fields[1] ?? ''),
      }));
    },
  };
}
