import { causeOf } from './classify';
import type { Cause } from './classify';
import { compareAnswers } from './compare';
import type { CompatAnswer, Verdict } from './compare';
import type { CompatRequest, RequestMaker } from './searches';

export interface AskedRequest {
  readonly method: 'POST';
  readonly path: string;
  readonly body: Record<string, unknown>;
}

/** One that is asked: a Meilisearch with all documents, or the fleet. */
export type Ask = (request: AskedRequest) => Promise<CompatAnswer>;

/** How many requests of one kind were answered alike in each part. */
export interface Row {
  total: number;
  details: number;
  ids: number;
  totals: number;
  facets: number;
}

export type Part = Exclude<keyof Row, 'total'>;

export interface Outcome {
  /** By kind of request, and `all`. */
  readonly rows: ReadonlyMap<string, Row>;
  /** By `kind: what differs (how it is named); cause`. */
  readonly classes: ReadonlyMap<string, number>;
  readonly causes: ReadonlyMap<string, number>;
  /** One JSON text for each difference, with the request and both answers. */
  readonly samples: readonly string[];
}

const parts: readonly Part[] = ['details', 'ids', 'totals', 'facets'];

/** Asks both sides `count` random requests, one after another. */
export async function runDifferential(
  [single, fleet]: readonly [Ask, Ask],
  plan: { readonly maker: RequestMaker; readonly count: number },
): Promise<Outcome> {
  const rows = new Map<string, Row>();
  const classes = new Map<string, number>();
  const causes = new Map<string, number>();
  const samples: string[] = [];
  const add = (counts: Map<string, number>, name: string): void =>
    void counts.set(name, (counts.get(name) ?? 0) + 1);
  for (let i = 0; i < plan.count; i += 1) {
    const made = plan.maker.request();
    const request = { method: 'POST' as const, path: made.path, body: withDetails(made) };
    const [one, many] = await Promise.all([single(request), fleet(request)]);
    const verdict = compareAnswers(one, many);
    count(rows, made.kind, verdict);
    if (verdict.difference === null) continue;
    const seen = causeFrom(request, one, many);
    const cause = seen === 'unexplained' ? await causeBehindPage([single, fleet], request) : seen;
    const name = `${made.kind}: ${verdict.difference}; ${cause}`;
    add(classes, name);
    add(causes, cause);
    samples.push(JSON.stringify({ name, request, single: one.body, fleet: many.body }));
  }
  return { rows, classes, causes, samples };
}

const causeFrom = (request: AskedRequest, one: CompatAnswer, many: CompatAnswer): Cause =>
  causeOf({
    ...{ request: request.body, single: one.body, fleet: many.body },
    ...{ statuses: [one.status, many.status], approximate: many.approximate },
  });

/** A document that only one of the pages shows ranks differently on the other side, behind the page. */
async function causeBehindPage(
  [single, fleet]: readonly [Ask, Ask],
  request: AskedRequest,
): Promise<Cause> {
  if (!request.path.endsWith('/search')) return 'unexplained';
  const { page: _, hitsPerPage: __, ...body } = request.body;
  const whole = { ...request, body: { ...body, offset: 0, limit: 1_000 } };
  const [one, many] = await Promise.all([single(whole), fleet(whole)]);
  return causeFrom(whole, one, many);
}

function withDetails({ kind, body }: CompatRequest): Record<string, unknown> {
  if (kind === 'listing' || kind === 'facet-search') return body;
  const shown = { showRankingScoreDetails: true };
  if (kind !== 'federated') return { ...body, ...shown };
  const queries = (body['queries'] as Record<string, unknown>[]).map((one) => ({
    ...one,
    ...shown,
  }));
  return { ...body, queries };
}

function count(rows: Map<string, Row>, kind: string, verdict: Verdict): void {
  for (const name of [kind, 'all']) {
    const row = rows.get(name) ?? { total: 0, details: 0, ids: 0, totals: 0, facets: 0 };
    rows.set(name, row);
    row.total += 1;
    for (const part of parts) row[part] += Number(verdict[part]);
  }
}

export const shareOf = (outcome: Outcome, part: Part, kind = 'all'): number => {
  const row = outcome.rows.get(kind);
  return row === undefined ? 1 : row[part] / row.total;
};

/** Tables for people: shares by kind, then classes of difference, then causes. */
export function tableOf({ rows, classes, causes }: Outcome): string {
  const lines = ['kind         requests  same details  same ids  same totals  same facets'];
  for (const [kind, row] of [...rows].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const share = (part: Part): string => `${((100 * row[part]) / row.total).toFixed(2)} %`;
    lines.push(
      kind.padEnd(13) +
        String(row.total).padStart(8) +
        share('details').padStart(14) +
        share('ids').padStart(10) +
        share('totals').padStart(13) +
        share('facets').padStart(13),
    );
  }
  for (const counts of [causes, classes]) {
    lines.push('');
    for (const [name, times] of [...counts].sort(([, a], [, b]) => b - a)) {
      lines.push(`${String(times).padStart(6)}  ${name}`);
    }
  }
  return lines.join('\n');
}
