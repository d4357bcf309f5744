/**
 * Goal: a search merged from three nodes that hold a third of the films each equals the search of one
 * node that holds all of them.
 * Method: recordings of a real Meilisearch 1.50. For every recorded search the answers of the three
 * parts are merged and compared with the single node's: the sequence of ranking details must be the
 * same, documents may differ only among equal details (the recordings carry no hidden order of
 * insertion), totals and facets must be equal where nothing makes them differ by nature.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Settings } from '../../../core/fleet';
import { nodeId } from '../../../core/ids';
import { objectMembers, spanText } from '../../../core/search/answer-bytes';
import { arrayItems } from '../../../core/search/hits';
import { searchKind } from '../../../core/search/kind';
import { mergeAnswers } from '../../../core/search/merge';
import { parseSearchBody } from '../../../core/search/request';
import type { JsonObject, MergeOutput, SearchRequest } from '../../../core/search/types';
import { applySettings } from '../../../core/settings/apply';
import { defaultSettings } from '../../../core/settings/defaults';

interface Recording {
  readonly request: JsonObject;
  readonly single: JsonObject;
  /** The bytes of each part's answer, as the recording holds them. */
  readonly parts: readonly Uint8Array[];
  /** Facets with their order, which `JSON.parse` would lose for keys that look like integers. */
  readonly facets: readonly string[];
}

const folder = join(__dirname, '../../recordings/ranking');
const variants = ['default', 'tuned'] as const;
type Variant = (typeof variants)[number];

const recordings = (variant: Variant): Recording[] =>
  gunzipSync(readFileSync(join(folder, `${variant}.ndjson.gz`)))
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const bytes = Buffer.from(line);
      const single = memberBytes(bytes, 'single') ?? Buffer.alloc(0);
      const parts = memberBytes(bytes, 'parts') ?? Buffer.alloc(0);
      return {
        ...(JSON.parse(line) as Pick<Recording, 'request' | 'single'>),
        parts: arrayItems(parts, 0).map(({ start, end }) => parts.subarray(start, end)),
        facets: facetMembers(single),
      };
    });

function memberBytes(bytes: Uint8Array, name: string): Uint8Array | null {
  const member = objectMembers(bytes, 0).members.find(
    ({ keyStart, keyEnd }) => spanText(bytes, keyStart, keyEnd) === name,
  );
  return member === undefined ? null : bytes.subarray(member.valueStart, member.valueEnd);
}

/** `field/value=count` and `field/min=…` in the order in which they are written. */
function facetMembers(answer: Uint8Array): string[] {
  const lines: string[] = [];
  for (const name of ['facetDistribution', 'facetStats']) {
    const object = memberBytes(answer, name);
    if (object === null) continue;
    lines.push(name);
    for (const field of objectMembers(object, 0).members) {
      const key = spanText(object, field.keyStart, field.keyEnd);
      for (const value of objectMembers(object, field.valueStart).members) {
        const text = spanText(object, value.keyStart, value.keyEnd);
        lines.push(`${key}/${text}=${spanText(object, value.valueStart, value.valueEnd)}`);
      }
    }
  }
  return lines;
}

function settingsOf(variant: Variant): Settings {
  const all = JSON.parse(readFileSync(join(folder, 'settings.json'), 'utf8')) as Record<
    Variant,
    JsonObject
  >;
  const outcome = applySettings(defaultSettings(), all[variant]);
  if (!outcome.ok) throw outcome.error;
  return outcome.settings;
}

/** Semantic and hybrid are as the engine decides it; a ratio of 0 is plain. */
type Category = 'plain' | 'threshold' | 'distinct' | 'semantic' | 'hybrid';

function category(request: SearchRequest): Category {
  const kind = searchKind(request);
  if (kind !== 'keyword') return kind;
  if (request.distinct !== null) return 'distinct';
  return request.rankingScoreThreshold === null ? 'plain' : 'threshold';
}

/**
 * A hit's details without the members that depend on each node's words and are never compared: the
 * scores of words and typos, and the number of typos that would have been possible.
 */
function rankOf(hit: JsonObject): string {
  const rules = Object.entries(hit['_rankingScoreDetails'] as Record<string, JsonObject>);
  return JSON.stringify(
    rules.map(([name, details]) => {
      const { score, maxTypoCount, ...rest } = details;
      return name === 'typo' || name === 'words' ? [name, rest] : [name, rest, score, maxTypoCount];
    }),
  );
}

/** The ids of each run of hits with equal details; the last run may have been cut by the window. */
function tieClasses(hits: readonly JsonObject[]): number[][] {
  const classes: number[][] = [];
  let previous: string | null = null;
  for (const hit of hits) {
    const rank = rankOf(hit);
    if (rank !== previous) classes.push([]);
    classes[classes.length - 1]?.push(Number(hit['id']));
    previous = rank;
  }
  return classes.slice(1, -1).map((ids) => ids.sort((a, b) => a - b));
}

const hitsOf = (answer: JsonObject): JsonObject[] => answer['hits'] as JsonObject[];

interface Verdict {
  readonly ranks: boolean;
  readonly documents: boolean;
  readonly totals: boolean;
  readonly facets: boolean;
}

const pagingMembers = [
  ...['estimatedTotalHits', 'totalHits', 'totalPages'],
  ...['limit', 'offset', 'page', 'hitsPerPage', 'query'],
];

function judge(recording: Recording, bytes: Uint8Array): Verdict {
  const answer = JSON.parse(Buffer.from(bytes).toString('utf8')) as JsonObject;
  const { single } = recording;
  const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
  return {
    ranks: same(hitsOf(single).map(rankOf), hitsOf(answer).map(rankOf)),
    documents: same(tieClasses(hitsOf(single)), tieClasses(hitsOf(answer))),
    totals: pagingMembers.every((name) => same(single[name], answer[name])),
    facets: same(recording.facets, facetMembers(bytes)),
  };
}

interface Judged {
  readonly at: number;
  readonly category: Category;
  readonly verdict: Verdict;
  readonly output: MergeOutput;
  readonly recording: Recording;
}

function judgeAll(variant: Variant): Judged[] {
  const settings = settingsOf(variant);
  return recordings(variant).map((recording, at) => {
    const parsed = parseSearchBody(recording.request);
    if (!parsed.ok) throw parsed.error;
    const output = mergeAnswers({
      answers: recording.parts.map((part, i) => ({
        node: nodeId(`meili-${String(i)}`),
        bytes: part,
      })),
      request: parsed.request,
      settings,
      primaryKey: 'id',
      processingTimeMs: 1,
      requestUid: 'recorded',
    });
    const verdict = judge(recording, output.bytes);
    return { at, category: category(parsed.request), verdict, output, recording };
  });
}

const allJudged = { default: judgeAll('default'), tuned: judgeAll('tuned') };

/** The searches of some categories that fail in some part, as readable lines. */
function failing(
  variant: Variant,
  categories: readonly Category[],
  part: keyof Verdict,
): { failed: string[]; of: number } {
  const list = allJudged[variant].filter((one) => categories.includes(one.category));
  const failed = list
    .filter((one) => !one.verdict[part])
    .map((one) => JSON.stringify(one.recording.request));
  return { failed, of: list.length };
}

const counts = (variant: Variant, category: Category): Record<string, number> => ({
  searches: failing(variant, [category], 'ranks').of,
  ...Object.fromEntries(
    (['ranks', 'documents', 'totals', 'facets'] as const).map((part) => [
      part,
      failing(variant, [category], part).failed.length,
    ]),
  ),
});

/** Searches, and how many of them differ in each part: the table of `docs/operating/exactness.md`. */
const table: readonly (readonly [Variant, Category, readonly number[]])[] = [
  ['default', 'plain', [90, 0, 0, 0, 0]],
  ['default', 'threshold', [12, 0, 0, 2, 1]],
  ['default', 'distinct', [8, 0, 0, 3, 1]],
  ['tuned', 'plain', [72, 1, 0, 0, 1]],
  ['tuned', 'threshold', [10, 0, 0, 0, 0]],
  ['tuned', 'distinct', [11, 1, 0, 6, 1]],
  ['tuned', 'semantic', [5, 0, 0, 0, 1]],
  ['tuned', 'hybrid', [12, 6, 6, 3, 2]],
];

test.each(table)('%s settings, %s searches: %j', (variant, kind, expected) => {
  expect(Object.values(counts(variant, kind))).toEqual(expected);
});

test('the table has all 220 recordings', () => {
  expect(table.reduce((sum, [, , [searches = 0]]) => sum + searches, 0)).toBe(220);
});

describe('keyword searches with the default settings', () => {
  it.each(['ranks', 'documents'] as const)('have the same %s as one node', (part) => {
    const { failed, of } = failing('default', ['plain', 'threshold'], part);
    expect(of).toBe(102);
    expect(failed).toEqual([]);
  });

  it.each(['totals', 'facets'] as const)('have the same %s, without a threshold', (part) => {
    const { failed, of } = failing('default', ['plain'], part);
    expect(of).toBe(90);
    expect(failed).toEqual([]);
  });
});

describe('keyword searches with tuned settings', () => {
  it('have the same ranks as one node but where a part lacks a word of the dictionary', () => {
    const { failed, of } = failing('tuned', ['plain', 'threshold'], 'ranks');
    expect(of).toBeGreaterThanOrEqual(76);
    expect(failed.length).toBeLessThanOrEqual(1);
  });

  it.each(['documents', 'totals'] as const)('have the same %s', (part) => {
    expect(failing('tuned', ['plain', 'threshold'], part).failed).toEqual([]);
  });

  it('have the same facets but for the order of equal counts, which depends on the facet tree', () => {
    const list = allJudged.tuned.filter(({ category: c }) => c === 'plain' || c === 'threshold');
    const sorted = (lines: readonly string[]): string[] => [...lines].sort();
    for (const { recording, output } of list) {
      expect(sorted(facetMembers(output.bytes))).toEqual(sorted(recording.facets));
    }
    expect(failing('tuned', ['plain', 'threshold'], 'facets').failed.length).toBeLessThanOrEqual(1);
  });
});

describe('other searches', () => {
  it('distinct ones show the same documents; their counts depend on the limit in Meilisearch', () => {
    for (const variant of variants) {
      expect(failing(variant, ['distinct'], 'documents').failed).toEqual([]);
    }
    expect(counts('default', 'distinct')).toMatchObject({ searches: 8, ranks: 0 });
    expect(counts('tuned', 'distinct')).toMatchObject({ searches: 11, ranks: 1 });
  });

  it('semantic ones are the same, but for facets that the recorded nodes cut by count', () => {
    const { searches, facets, ...wrong } = counts('tuned', 'semantic');
    expect(searches).toBeGreaterThan(0);
    expect(wrong).toEqual({ ranks: 0, documents: 0, totals: 0 });
    expect(facets).toBeLessThanOrEqual(1);
  });

  it('hybrid ones cannot be merged from hybrid answers, which is why each half is asked alone', () => {
    expect(failing('tuned', ['hybrid'], 'documents').failed.length).toBeGreaterThan(0);
  });
});
