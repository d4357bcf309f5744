import type { IndexTtl, JsonValue } from './fleet';
import { parseTtl } from './ttl';

type JsonObject = { readonly [member: string]: JsonValue };

/** When the index behind a write alias is replaced by the next one. At least one is set. */
export interface RolloverTriggers {
  readonly maxDocs: number | null;
  readonly maxAgeMs: number | null;
  readonly maxSizeBytes: number | null;
}

export interface RolloverRetention {
  /** The newest so many indexes stay, the write index among them. */
  readonly keepIndexes: number;
  /** An index younger than this is never deleted, whatever `keepIndexes` says. */
  readonly safetyLockMs: number;
  /** The read alias names the newest so many indexes; `keepIndexes` by default. */
  readonly readIndexes: number;
}

export interface RolloverTemplate {
  readonly primaryKey: string | null;
  /** Settings of each new index as a client would send them; null: the defaults. */
  readonly settings: JsonObject | null;
  /** Take the settings of this index or alias instead. */
  readonly settingsRef: string | null;
  readonly shards: number | null;
  readonly replicationFactor: number | null;
  /** How documents of each new index expire; null: they do not. */
  readonly ttl: IndexTtl | null;
}

export interface RolloverRules {
  readonly triggers: RolloverTriggers;
  readonly retention: RolloverRetention;
  readonly template: RolloverTemplate;
}

export type ParsedRules =
  | { readonly ok: true; readonly rules: RolloverRules }
  | { readonly ok: false; readonly message: string };

export interface IndexFacts {
  readonly documents: number;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly createdAtMs: number;
}

export interface NamedIndex {
  readonly uid: string;
  /** Milliseconds since 1970. */
  readonly createdAtMs: number;
}

const dayMs = 86_400_000;
const units: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: dayMs,
  w: 7 * dayMs,
};
const bytesInGb = 1_000_000_000;
const safetyLockDays = 7;

/** `7d`, `12h`, `30m`, `45s`, `2w` in milliseconds; null for anything else or for zero. */
export function durationMs(text: string): number | null {
  const match = /^(\d{1,9})([smhdw])$/.exec(text);
  const value = Number(match?.[1]) * (units[match?.[2] ?? ''] ?? NaN);
  return Number.isSafeInteger(value) && value > 0 ? value : null;
}

const checkEveryMsDefault = 60_000;

/** When a policy is looked at: `check_every`, `jitter` and `catch_up` of its triggers. */
export function timesOf(triggers: JsonObject): {
  everyMs: number;
  jitterMs: number | null;
  catchUpMs: number | null;
} {
  const read = (name: string): number | null => {
    const value = triggers[name];
    return typeof value === 'string' ? durationMs(value) : null;
  };
  return {
    everyMs: read('check_every') ?? checkEveryMsDefault,
    // `0s` is a wish of its own: no jitter.
    jitterMs: triggers['jitter'] === '0s' ? 0 : read('jitter'),
    catchUpMs: read('catch_up'),
  };
}

const positive = (value: JsonValue | undefined): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value > 0;
const isObject = (value: JsonValue | undefined): value is { [member: string]: JsonValue } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const wrong = (message: string): ParsedRules => ({ ok: false, message });

function parseTriggers(raw: JsonObject): RolloverTriggers | string {
  const docs = raw['max_docs'] ?? null;
  const age = raw['max_age'] ?? null;
  const size = raw['max_size_gb'] ?? null;
  if (docs === null && age === null && size === null) {
    return 'A policy needs one of the triggers `max_docs`, `max_age` and `max_size_gb`.';
  }
  if (docs !== null && !positive(docs)) return '`max_docs` must be a number above 0.';
  if (size !== null && !positive(size)) return '`max_size_gb` must be a number above 0.';
  for (const name of ['check_every', 'jitter', 'catch_up'] as const) {
    const value = raw[name];
    if (value === undefined || (name === 'jitter' && value === '0s')) continue;
    if (typeof value !== 'string' || durationMs(value) === null) {
      return `\`${name}\` must be like \`30s\`, \`5m\` or \`1h\`.`;
    }
  }
  const maxAgeMs = typeof age === 'string' ? durationMs(age) : null;
  if (age !== null && maxAgeMs === null)
    return '`max_age` must be like `7d`, `12h`, `30m` or `45s`.';
  return { maxDocs: docs, maxAgeMs, maxSizeBytes: size === null ? null : size * bytesInGb };
}

function parseRetention(raw: JsonObject): RolloverRetention | string {
  const keep = raw['keep_indexes'];
  if (!positive(keep) || !Number.isInteger(keep)) {
    return '`keep_indexes` must be an integer of 1 or more.';
  }
  const lock = raw['safety_lock_older_than_days'] ?? safetyLockDays;
  if (typeof lock !== 'number' || !(lock >= 0)) {
    return '`safety_lock_older_than_days` must be a number of 0 or more.';
  }
  const read = raw['read_indexes'] ?? keep;
  if (!positive(read) || !Number.isInteger(read) || read > keep) {
    return '`read_indexes` must be an integer between 1 and `keep_indexes`.';
  }
  return { keepIndexes: keep, safetyLockMs: lock * dayMs, readIndexes: read };
}

function parseTemplate(raw: JsonObject): RolloverTemplate | string {
  const text = (name: string): string | null | undefined => {
    const value = raw[name] ?? null;
    return value === null || (typeof value === 'string' && value !== '') ? value : undefined;
  };
  const primaryKey = text('primary_key');
  const settingsRef = text('settings_ref');
  if (primaryKey === undefined) return '`primary_key` must be a text.';
  if (settingsRef === undefined) return '`settings_ref` must be the name of an index.';
  const settings = raw['settings'] ?? null;
  if (settings !== null && !isObject(settings)) return '`settings` must be an object.';
  if (settings !== null && settingsRef !== null) {
    return 'A template has either `settings` or `settings_ref`.';
  }
  const ttl = raw['ttl'] ?? null;
  if (ttl !== null && !isObject(ttl)) return '`ttl` must be an object.';
  const parsedTtl = ttl === null ? null : parseTtl(ttl);
  if (parsedTtl?.ok === false) return `ttl: ${parsedTtl.message}`;
  const count = (name: string): number | null =>
    positive(raw[name]) ? (raw[name] as number) : null;
  return {
    primaryKey,
    settings,
    settingsRef,
    shards: count('shards'),
    replicationFactor: count('replication_factor'),
    ttl: parsedTtl?.ok === true ? parsedTtl.ttl : null,
  };
}

/** Checks a policy's three parts as the API takes them. */
export function parseRules(policy: {
  readonly triggers: JsonObject;
  readonly retention: JsonObject;
  readonly template: JsonObject;
  readonly pattern: string;
}): ParsedRules {
  const pattern = parsePattern(policy.pattern);
  if (typeof pattern === 'string') return wrong(pattern);
  const triggers = parseTriggers(policy.triggers);
  if (typeof triggers === 'string') return wrong(triggers);
  const retention = parseRetention(policy.retention);
  if (typeof retention === 'string') return wrong(retention);
  const template = parseTemplate(policy.template);
  if (typeof template === 'string') return wrong(template);
  return { ok: true, rules: { triggers, retention, template } };
}

/** Why the index must be replaced now, in words; null: not yet. */
export function isRolloverDue(
  triggers: RolloverTriggers,
  facts: IndexFacts,
  nowMs: number,
): string | null {
  const { maxDocs, maxAgeMs, maxSizeBytes } = triggers;
  if (maxDocs !== null && facts.documents >= maxDocs) {
    return `max_docs: ${String(facts.documents)} of ${String(maxDocs)} documents`;
  }
  const ageMs = nowMs - facts.createdAtMs;
  if (maxAgeMs !== null && ageMs >= maxAgeMs) {
    return `max_age: ${String(Math.floor(ageMs / 1_000))} of ${String(maxAgeMs / 1_000)} seconds`;
  }
  if (maxSizeBytes !== null && facts.bytes >= maxSizeBytes) {
    return `max_size_gb: ${(facts.bytes / bytesInGb).toFixed(3)} of ${String(maxSizeBytes / bytesInGb)}`;
  }
  return null;
}

/** What is counted for each trigger that is not met, in words, for whoever wonders why nothing happens. */
export function whyNotDue(triggers: RolloverTriggers, facts: IndexFacts, nowMs: number): string {
  const { maxDocs, maxAgeMs, maxSizeBytes } = triggers;
  const seconds = Math.floor((nowMs - facts.createdAtMs) / 1_000);
  const counts = [
    ...(maxDocs === null ? [] : [`${String(facts.documents)} of ${String(maxDocs)} documents`]),
    ...(maxAgeMs === null ? [] : [`${String(seconds)} of ${String(maxAgeMs / 1_000)} seconds`]),
    ...(maxSizeBytes === null
      ? []
      : [`${(facts.bytes / bytesInGb).toFixed(3)} of ${String(maxSizeBytes / bytesInGb)} GB`]),
  ];
  return `no trigger is met: ${counts.join(', ')}`;
}

type PatternPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'date'; readonly format: string }
  | { readonly kind: 'counter'; readonly width: number };

/** `logs-{YYYY-MM-DD}`, `logs-{n}`, `logs-{000001}`, or both; a sentence when it is wrong. */
function parsePattern(pattern: string): readonly PatternPart[] | string {
  const parts: PatternPart[] = [];
  for (const piece of pattern.split(/(\{[^{}]*\})/).filter((text) => text !== '')) {
    const inner = /^\{(.*)\}$/.exec(piece)?.[1];
    if (inner === undefined) {
      if (!/^[A-Za-z0-9_-]+$/.test(piece))
        return `\`${piece}\` cannot stand in the name of an index.`;
      parts.push({ kind: 'text', text: piece });
    } else if (inner === 'n' || /^0*1$/.test(inner)) {
      parts.push({ kind: 'counter', width: inner.length });
    } else if (/^(YYYY|MM|DD|HH|[-_])+$/.test(inner)) {
      parts.push({ kind: 'date', format: inner });
    } else {
      return `\`${piece}\` is neither a date (YYYY, MM, DD, HH) nor a counter ({n}, {000001}).`;
    }
  }
  if (!parts.some(({ kind }) => kind !== 'text')) return 'The pattern needs a date or a counter.';
  return parts;
}

function dateText(format: string, atMs: number): string {
  const iso = new Date(atMs).toISOString();
  return format
    .replace('YYYY', iso.slice(0, 4))
    .replace('MM', iso.slice(5, 7))
    .replace('DD', iso.slice(8, 10))
    .replace('HH', iso.slice(11, 13));
}

const counterText = (width: number, count: number): string => String(count).padStart(width, '0');

/**
 * The name of the next index: today's date (UTC), the counter one above the highest in use. A pattern
 * without a counter gets `-2`, `-3`, … when its date is taken. Throws nothing: `parseRules` came first.
 */
export function nextIndexName(pattern: string, nowMs: number, taken: readonly string[]): string {
  const parts = parsePattern(pattern);
  if (typeof parts === 'string') return pattern;
  const build = (count: number): string =>
    parts
      .map((part) => {
        if (part.kind === 'text') return part.text;
        return part.kind === 'date' ? dateText(part.format, nowMs) : counterText(part.width, count);
      })
      .join('');
  const used = new Set(taken);
  if (parts.some(({ kind }) => kind === 'counter')) {
    const counters = taken
      .map((uid) => counterOf(parts, uid))
      .filter((n): n is number => n !== null);
    return build(counters.reduce((high, n) => Math.max(high, n), 0) + 1);
  }
  const name = build(1);
  if (!used.has(name)) return name;
  let count = 2;
  while (used.has(`${name}-${String(count)}`)) count += 1;
  return `${name}-${String(count)}`;
}

function patternRegExp(parts: readonly PatternPart[]): RegExp {
  const source = parts.map((part) => {
    if (part.kind === 'text') return part.text.replace(/-/g, '\\-');
    if (part.kind === 'counter') return '(\\d+)';
    return part.format
      .replace(/-/g, '\\-')
      .replace('YYYY', '\\d{4}')
      .replace(/MM|DD|HH/g, '\\d{2}');
  });
  const tail = parts.some(({ kind }) => kind === 'counter') ? '' : '(?:-\\d+)?';
  return new RegExp(`^${source.join('')}${tail}$`);
}

function counterOf(parts: readonly PatternPart[], uid: string): number | null {
  const count = Number(patternRegExp(parts).exec(uid)?.[1]);
  return Number.isSafeInteger(count) ? count : null;
}

/** The indexes that this pattern has made, oldest first. */
export function indexesOfPattern(pattern: string, indexes: readonly NamedIndex[]): NamedIndex[] {
  const parts = parsePattern(pattern);
  if (typeof parts === 'string') return [];
  const expression = patternRegExp(parts);
  return indexes
    .filter(({ uid }) => expression.test(uid))
    .sort((a, b) => a.createdAtMs - b.createdAtMs || (a.uid < b.uid ? -1 : 1));
}

/**
 * The indexes to delete: all but the newest `keepIndexes`, never one that an alias still names, and
 * never one younger than the safety lock.
 */
export function indexesToDelete(
  retention: RolloverRetention,
  indexes: readonly NamedIndex[],
  aliased: readonly string[],
  nowMs: number,
): string[] {
  return indexes
    .slice(0, Math.max(0, indexes.length - retention.keepIndexes))
    .filter(
      ({ uid, createdAtMs }) =>
        !aliased.includes(uid) && nowMs - createdAtMs >= retention.safetyLockMs,
    )
    .map(({ uid }) => uid);
}
