import { MeiliError } from '../errors';
import type { JsonValue } from '../fleet';
import type { JsonObject } from '../search/types';
import { isObject } from '../search/values';
import type { BodyReader } from '../search/values';

const sources = ['openAi', 'huggingFace', 'ollama', 'userProvided', 'rest', 'composite'] as const;
type Source = (typeof sources)[number];

/** The members of an embedder in the order in which they are shown, with the check of each. */
const members: Readonly<Record<string, (reader: BodyReader, value: JsonValue) => JsonValue>> = {
  source: (r, v) => r.oneOf(v, sources),
  model: (r, v) => r.text(v),
  revision: (r, v) => r.text(v),
  pooling: (r, v) => r.oneOf(v, ['useModel', 'forceCls', 'forceMean']),
  apiKey: (r, v) => r.text(v),
  dimensions: (r, v) => r.uint(v),
  binaryQuantized: (r, v) => r.bool(v),
  documentTemplate: (r, v) => r.text(v),
  documentTemplateMaxBytes: (r, v) => r.uint(v),
  url: (r, v) => r.text(v),
  indexingFragments: (r, v) => r.object(v),
  searchFragments: (r, v) => r.object(v),
  request: (_, v) => v,
  response: (_, v) => v,
  headers: (r, v) => {
    const headers = r.object(v);
    for (const [name, item] of Object.entries(headers)) r.at(`.${name}`).text(item);
    return headers;
  },
  searchEmbedder: (r, v) => readEmbedder(r, v),
  indexingEmbedder: (r, v) => readEmbedder(r, v),
  distribution: (r, v) => {
    const shift = r.object(v);
    for (const name of Object.keys(shift)) {
      if (name !== 'mean' && name !== 'sigma') throw r.unknownField(name, ['mean', 'sigma']);
    }
    for (const name of ['mean', 'sigma']) {
      if (shift[name] === undefined) throw r.missing(name);
      r.at(`.${name}`).number(shift[name]);
    }
    return shift;
  },
};

const templated = ['documentTemplate', 'documentTemplateMaxBytes'];
/** Which members a source may have, besides `source`, `distribution` and `binaryQuantized`. */
const allowed: Readonly<Record<Source, readonly string[]>> = {
  openAi: ['model', 'apiKey', 'dimensions', 'url', ...templated],
  huggingFace: ['model', 'revision', 'pooling', ...templated],
  ollama: ['model', 'url', 'apiKey', 'dimensions', ...templated],
  userProvided: ['dimensions'],
  rest: [
    ...['url', 'request', 'response', 'apiKey', 'dimensions', 'headers', ...templated],
    ...['indexingFragments', 'searchFragments'],
  ],
  composite: ['searchEmbedder', 'indexingEmbedder'],
};
const mandatory: Readonly<Partial<Record<Source, readonly string[]>>> = {
  ollama: ['model'],
  userProvided: ['dimensions'],
  rest: ['url', 'request', 'response'],
  composite: ['searchEmbedder', 'indexingEmbedder'],
};

export const sourceOf = (embedder: JsonObject): Source =>
  sources.find((source) => source === embedder['source']) ?? 'openAi';

export const hasTemplate = (source: Source): boolean =>
  allowed[source].includes('documentTemplate');

function readEmbedder(reader: BodyReader, value: JsonValue): JsonValue {
  const read: JsonObject = {};
  for (const [name, item] of Object.entries(reader.object(value))) {
    const check = Object.hasOwn(members, name) ? members[name] : undefined;
    if (check === undefined) throw reader.unknownField(name, Object.keys(members));
    read[name] = item === null ? null : check(reader.at(`.${name}`), item);
  }
  return inOrder(read);
}

const inOrder = (embedder: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.keys(members).flatMap((name) => {
      const value = embedder[name];
      return value === undefined ? [] : [[name, value] as const];
    }),
  );

/** Checks the shape of an `embedders` patch: `{name: members or null}`. */
export function readEmbedders(reader: BodyReader, value: JsonValue): JsonValue {
  const read: JsonObject = {};
  for (const [name, embedder] of Object.entries(reader.object(value))) {
    read[name] = embedder === null ? null : readEmbedder(reader.at(`.${name}`), embedder);
  }
  return read;
}

/**
 * The embedders after a patch. Members of an embedder are merged, but start anew when its source
 * changes; a null member is reset, a null embedder removed. Throws what Meilisearch answers when a
 * member does not fit the source.
 */
export function mergeEmbedders(present: JsonValue | undefined, patch: JsonValue): JsonValue {
  const merged: JsonObject = isObject(present) ? { ...present } : {};
  for (const [name, change] of Object.entries(isObject(patch) ? patch : {})) {
    if (!isObject(change)) {
      delete merged[name];
      continue;
    }
    const before = merged[name];
    const source = change['source'] ?? (isObject(before) ? before['source'] : undefined);
    const keeps = isObject(before) && before['source'] === source;
    const after: JsonObject = { ...(keeps ? before : {}), ...change, source: source ?? 'openAi' };
    for (const [member, value] of Object.entries(after)) if (value === null) delete after[member];
    checkEmbedder(name, after);
    refuseUnquantizing(name, keeps ? before : {}, change);
    merged[name] = inOrder(withDefaults(after));
  }
  return Object.fromEntries(Object.entries(merged).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The two that every source has come last in a list, `binaryQuantized` at the end. */
const listed = (known: readonly string[]): string[] => {
  const common = ['distribution', 'binaryQuantized'];
  const own = Object.keys(members).filter((one) => known.includes(one) && !common.includes(one));
  return [...own, ...common];
};

const fail = (message: string): MeiliError => new MeiliError('invalid_settings_embedders', message);

function checkEmbedder(name: string, embedder: JsonObject): void {
  const source = sourceOf(embedder);
  if (source === 'composite') {
    throw new MeiliError(
      'feature_not_enabled',
      'using `"composite"` as source requires enabling the `composite embedders` experimental feature. See https://github.com/orgs/meilisearch/discussions/816',
    );
  }
  const common = ['source', 'distribution', 'binaryQuantized'];
  const known = [...common, ...allowed[source]];
  for (const member of Object.keys(embedder)) {
    if (known.includes(member)) continue;
    const others = sources.filter((one) => allowed[one].includes(member));
    throw fail(
      `\`.embedders.${name}\`: Field \`${member}\` unavailable for source \`${source}\`.\n` +
        `  - note: \`${member}\` is available for ${others.length === 1 ? 'source' : 'sources'}: ${quoted(others)}\n` +
        `  - note: available fields for source \`${source}\`: ${quoted(listed(known))}`,
    );
  }
  for (const member of mandatory[source] ?? []) {
    if (embedder[member] !== undefined) continue;
    throw fail(
      `\`.embedders.${name}\`: Missing field \`${member}\` (note: this field is mandatory for source \`${source}\`)`,
    );
  }
  for (const member of ['dimensions', 'documentTemplateMaxBytes']) {
    if (embedder[member] === 0) {
      throw fail(`\`.embedders.${name}.${member}\`: \`${member}\` cannot be zero`);
    }
  }
}

const quoted = (names: readonly string[]): string => names.map((one) => `\`${one}\``).join(', ');

function refuseUnquantizing(name: string, before: JsonObject, change: JsonObject): void {
  if (before['binaryQuantized'] !== true || change['binaryQuantized'] !== false) return;
  throw fail(
    `\`.embedders.${name}.binaryQuantized\`: Cannot disable the binary quantization.\n` +
      ' - Note: Binary quantization is a lossy operation that cannot be reverted.\n' +
      ' - Hint: Add a new embedder that is non-quantized and regenerate the vectors.',
  );
}

const defaultModels: Readonly<Partial<Record<Source, string>>> = {
  openAi: 'text-embedding-3-small',
  huggingFace: 'BAAI/bge-base-en-v1.5',
};

function withDefaults(embedder: JsonObject): JsonObject {
  const model = defaultModels[sourceOf(embedder)];
  return model === undefined || embedder['model'] !== undefined ? embedder : { ...embedder, model };
}

/** Settings with their secrets cut short, as every GET shows them. */
export function hideSecrets(embedders: JsonValue | undefined): JsonValue {
  if (!isObject(embedders)) return {};
  const hidden = Object.entries(embedders).map(([name, embedder]) => {
    const key = isObject(embedder) ? embedder['apiKey'] : undefined;
    const shown: JsonValue =
      isObject(embedder) && typeof key === 'string'
        ? { ...embedder, apiKey: hideSecret(key) }
        : embedder;
    return [name, shown] as const;
  });
  return Object.fromEntries(hidden);
}

function hideSecret(secret: string): string {
  if (secret.length < 10) return 'XXX...';
  if (secret.length < 20) return `${secret.slice(0, 2)}XXXX...`;
  return secret.length < 30 ? `${secret.slice(0, 3)}XXXXX...` : `${secret.slice(0, 5)}XXXXXX...`;
}
