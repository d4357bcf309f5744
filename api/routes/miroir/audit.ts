import type { FastifyInstance } from 'fastify';
import { MeiliError } from '../../../core/errors';
import { auditEntriesMax } from '../../../core/limits';
import { isAuditId } from '../../../store/audit-log';
import type { StoredAuditEntry } from '../../../store/audit-log';
import type { ApiContext } from '../../context';
import { demandKnown, queryOf, readCount } from '../../http/page';
import { operatorRoute } from './operator-route';

const pageEntries = 500;
const limitMax = 1_000;
const filters = ['who', 'action', 'operation', 'refused', 'since'] as const;

/** `GET /_miroir/audit`: who did what, when and why. Newest first, filtered, page by page. */
export function registerAuditLog(app: FastifyInstance, ctx: ApiContext): void {
  app.get('/_miroir/audit', operatorRoute(ctx), async (request) => {
    const query = queryOf(request.query);
    demandKnown(query, ['limit', 'before', ...filters]);
    const asked = readCount(query, 'limit', { otherwise: 50, code: 'bad_request' });
    const limit = Math.min(asked, limitMax);
    const wanted = filterOf(query);
    const results: StoredAuditEntry[] = [];
    let before = readId(query.get('before'));
    // The log is bounded, so a filter that matches little reads all of it at worst.
    for (let read = 0; read < auditEntriesMax && results.length < limit; read += pageEntries) {
      const page = await ctx.store.audit.list({ before, limit: pageEntries });
      results.push(...page.filter(wanted));
      before = page.at(-1)?.id ?? null;
      if (page.length < pageEntries) break;
    }
    const shown = results.slice(0, limit);
    const more = results.length > limit || (before !== null && shown.length === limit);
    return { results: shown, limit, next: more ? (shown.at(-1)?.id ?? null) : null };
  });
}

function readId(text: string | undefined): string | null {
  if (text === undefined) return null;
  if (isAuditId(text)) return text;
  throw new MeiliError(
    'bad_request',
    `Invalid value in parameter \`before\`: \`${text}\` is not the \`id\` of an entry`,
  );
}

/** `who` and `operation` are compared whole, `action` by a part of it, in any case. */
function filterOf(query: ReadonlyMap<string, string>): (entry: StoredAuditEntry) => boolean {
  const who = query.get('who');
  const operation = query.get('operation');
  const action = query.get('action')?.toLowerCase();
  const refused = query.get('refused');
  if (refused !== undefined && refused !== 'true' && refused !== 'false') {
    throw new MeiliError(
      'bad_request',
      `Invalid value in parameter \`refused\`: expected \`true\` or \`false\`, but is \`${refused}\``,
    );
  }
  const since = readTime(query.get('since'));
  return (entry) =>
    (who === undefined || entry.who === who) &&
    (operation === undefined || entry.operation === operation) &&
    (action === undefined || entry.action.toLowerCase().includes(action)) &&
    (refused === undefined || (entry.refused !== null) === (refused === 'true')) &&
    Date.parse(entry.at) >= since;
}

function readTime(text: string | undefined): number {
  if (text === undefined) return 0;
  const at = Date.parse(text);
  if (Number.isFinite(at)) return at;
  throw new MeiliError(
    'bad_request',
    `Invalid value in parameter \`since\`: \`${text}\` is not a time, as \`2026-01-31T12:00:00Z\``,
  );
}
