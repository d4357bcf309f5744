import type { JsonValue } from './fleet';

/** Names the canary that a search is made for, so that it is not taken for one of a client. */
export const canaryHeader = 'x-miroir-canary';

/** A golden query's assertions, in the form in which the API takes them. */
export type CanaryAssertion =
  | { readonly type: 'top_hit_id'; readonly value: string }
  | { readonly type: 'top_k_contains'; readonly k: number; readonly ids: readonly string[] }
  | { readonly type: 'min_hits'; readonly value: number }
  | { readonly type: 'max_p95_ms'; readonly value: number }
  | { readonly type: 'settings_version_at_least'; readonly value: number }
  | { readonly type: 'must_not_contain_id'; readonly ids: readonly string[] }
  | {
      /** Share of a stored answer's first ids that are still among as many first hits, 0 … 1. */
      readonly type: 'rank_overlap_at_least';
      readonly value: number;
      readonly ids: readonly string[];
    };

export interface CanaryObservation {
  /** Ids of the hits in order. */
  readonly ids: readonly string[];
  /** Total or estimated total. */
  readonly total: number;
  /** Latencies of this run and the runs before it, in milliseconds. */
  readonly latenciesMs: readonly number[];
  /** What `X-Miroir-Settings-Version` said; null when the answer had none. */
  readonly settingsVersion: number | null;
}

export type ParsedAssertions =
  | { readonly ok: true; readonly assertions: readonly CanaryAssertion[] }
  | { readonly ok: false; readonly message: string };

type JsonObject = { readonly [member: string]: JsonValue };

const numeric = ['min_hits', 'max_p95_ms', 'settings_version_at_least'] as const;

/** Document ids may be written as numbers: `1` and `"1"` name the same document. */
function idOf(value: JsonValue | undefined): string | null {
  if (typeof value === 'string' && value !== '') return value;
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : null;
}

function idsOf(value: JsonValue | undefined): string[] | null {
  if (!Array.isArray(value) || value.length === 0) return null;
  const ids = value.map(idOf);
  return ids.every((id): id is string => id !== null) ? ids : null;
}

const isCount = (value: JsonValue | undefined): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0;

function parseOne(raw: JsonObject): CanaryAssertion | string {
  const type = raw['type'];
  const number = numeric.find((name) => name === type);
  if (number !== undefined) {
    const value = raw['value'];
    return isCount(value)
      ? { type: number, value }
      : `\`${number}\` needs a \`value\` of 0 or more.`;
  }
  if (type === 'top_hit_id') {
    const value = idOf(raw['value']);
    return value === null ? '`top_hit_id` needs the id as `value`.' : { type, value };
  }
  const ids = idsOf(raw['ids']);
  if (type === 'must_not_contain_id') {
    return ids === null ? '`must_not_contain_id` needs a list `ids`.' : { type, ids };
  }
  if (type === 'top_k_contains') {
    const k = raw['k'];
    if (ids === null || !isCount(k) || !Number.isInteger(k) || k < ids.length) {
      return '`top_k_contains` needs a list `ids` and an integer `k` not below its length.';
    }
    return { type, k, ids };
  }
  if (type === 'rank_overlap_at_least') {
    const value = raw['value'];
    return ids === null || !isCount(value) || value > 1
      ? '`rank_overlap_at_least` needs a list `ids` and a `value` between 0 and 1.'
      : { type, value, ids };
  }
  return `\`${String(type)}\` is no assertion. There are top_hit_id, top_k_contains, min_hits, max_p95_ms, settings_version_at_least, must_not_contain_id and rank_overlap_at_least.`;
}

/** Checks what an operator wrote. The message says which assertion is wrong and why. */
export function parseAssertions(raw: readonly JsonObject[]): ParsedAssertions {
  if (raw.length === 0) return { ok: false, message: 'A canary needs at least one assertion.' };
  const assertions: CanaryAssertion[] = [];
  for (const [position, one] of raw.entries()) {
    const parsed = parseOne(one);
    if (typeof parsed === 'string') {
      return { ok: false, message: `assertions[${String(position)}]: ${parsed}` };
    }
    assertions.push(parsed);
  }
  return { ok: true, assertions };
}

/** The smallest value that at least 95 % of the values do not exceed; 0 for none. */
export function p95(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * 0.95) - 1)] ?? 0;
}

function failureOf(assertion: CanaryAssertion, seen: CanaryObservation): string | null {
  const { ids } = seen;
  switch (assertion.type) {
    case 'top_hit_id': {
      const first = ids[0] ?? 'nothing';
      return first === assertion.value ? null : `the first hit is ${first}, not ${assertion.value}`;
    }
    case 'top_k_contains': {
      const top = ids.slice(0, assertion.k);
      const missing = assertion.ids.filter((id) => !top.includes(id));
      return missing.length === 0
        ? null
        : `${missing.join(', ')} not among the first ${String(assertion.k)}: ${top.join(', ')}`;
    }
    case 'min_hits':
      return seen.total >= assertion.value
        ? null
        : `${String(seen.total)} hits, fewer than ${String(assertion.value)}`;
    case 'max_p95_ms': {
      const value = p95(seen.latenciesMs);
      return value <= assertion.value
        ? null
        : `p95 is ${String(value)} ms, over ${String(assertion.value)} ms`;
    }
    case 'settings_version_at_least':
      return seen.settingsVersion !== null && seen.settingsVersion >= assertion.value
        ? null
        : `settings version ${String(seen.settingsVersion)}, below ${String(assertion.value)}`;
    case 'must_not_contain_id': {
      const present = assertion.ids.filter((id) => ids.includes(id));
      return present.length === 0 ? null : `${present.join(', ')} among the hits`;
    }
    case 'rank_overlap_at_least': {
      const top = ids.slice(0, assertion.ids.length);
      const share = assertion.ids.filter((id) => top.includes(id)).length / assertion.ids.length;
      return share >= assertion.value
        ? null
        : `overlap ${share.toFixed(2)} with the stored answer, below ${String(assertion.value)}`;
    }
  }
}

/** One sentence for each assertion that does not hold, beginning with its type; none: green. */
export function judgeCanary(
  assertions: readonly CanaryAssertion[],
  seen: CanaryObservation,
): string[] {
  return assertions.flatMap((assertion) => {
    const failure = failureOf(assertion, seen);
    return failure === null ? [] : [`${assertion.type}: ${failure}`];
  });
}
