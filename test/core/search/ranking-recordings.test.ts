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
import type { JsonValue, Settings } from '../../../core/fleet';
import { nodeId } from '../../../core/ids';
import { mergeAnswers } from '../../../core/search/merge';
import { parseSearchBody } from '../../../core/search/request';
import type { JsonObject, MergeOutput, SearchRequest } from '../../../core/search/types';
import { applySettings } from '../../../core/settings/apply';
import { defaultSettings } from '../../../core/settings/defaults';

interface Recording {
  readonly request: JsonObject;
  readonly single: JsonObject;
  readonly partRequest: JsonObject;
  readonly parts: readonly JsonObject[];
}

const folder = join(__dirname, '../../recordings/ranking');
const variants = ['default', 'tuned'] as const;
type Variant = (typeof variants)[number];

const recordings = (variant: Variant): Recording[] =>
  gunzipSync(readFileSync(join(folder, `${variant}.ndjson.gz`)))
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Recording);

function settingsOf(variant: Variant): Settings {
  const all = JSON.parse(readFileSync(join(folder, 'settings.json'), 'utf8')) as Record<
    Variant,
    JsonObject
  >;
  const outcome = applySettings(defaultSettings(), all[variant]);
  if (!outcome.ok) throw outcome.error;
  return outcome.settings;
}

type Category = 'plain' | 'distinct' | 'hybrid' | 'threshold' | 'frequency';

function category(request: SearchRequest): Category {
  if (request.hybrid !== null) return 'hybrid';
  if (request.distinct !== null) return 'distinct';
  if (request.matchingStrategy === 'frequency') return 'frequency';
  return request.rankingScoreThreshold === null ? 'plain' : 'threshold';
}

/** Details without the members that depend on each node's words: they are never compared. */
function rankOf(hit: JsonObject): string {
  const rules = Object.entries(hit['_rankingScoreDetails'] as Record<string, JsonObject>);
  return JSON.stringify(
    rules.map(([name, details]) => {
      const rest: JsonObject = { ...details };
      if (name === 'typo') {
        delete rest['score'];
        delete rest['maxTypoCount'];
      }
      if (name === 'words') delete rest['score'];
      return [name, rest];
    }),
  );
}

const hitsOf = (answer: JsonObject): JsonObject[] => answer['hits'] as JsonObject[];

interface Verdict {
  readonly ranks: boolean;
  readonly totals: boolean;
  readonly facets: boolean;
}

function judge(recording: Recording, answer: JsonObject): Verdict {
  const wanted = hitsOf(recording.single).map(rankOf);
  const found = hitsOf(answer).map(rankOf);
  const totals = ['estimatedTotalHits', 'totalHits', 'totalPages', 'limit', 'offset', 'page'].every(
    (name) => recording.single[name] === answer[name],
  );
  const facets = ['facetDistribution', 'facetStats'].every(
    (name) => facetText(recording.single[name]) === facetText(answer[name]),
  );
  return { ranks: JSON.stringify(wanted) === JSON.stringify(found), totals, facets };
}

const facetText = (value: JsonValue | undefined): string =>
  value === undefined ? 'absent' : JSON.stringify(value);

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
        bytes: Buffer.from(JSON.stringify(part)),
      })),
      request: parsed.request,
      settings,
      primaryKey: 'id',
      processingTimeMs: 1,
      requestUid: 'recorded',
    });
    const answer = JSON.parse(Buffer.from(output.bytes).toString('utf8')) as JsonObject;
    const verdict = judge(recording, answer);
    return { at, category: category(parsed.request), verdict, output, recording };
  });
}

describe.each(variants)('searches recorded with the %s settings', (variant) => {
  const judged = judgeAll(variant);
  const of = (wanted: Category): Judged[] => judged.filter((one) => one.category === wanted);
  const failing = (list: readonly Judged[], part: keyof Verdict): string[] =>
    list
      .filter((one) => !one.verdict[part])
      .map((one) => `${String(one.at)}: ${JSON.stringify(one.recording.request)}`);

  it('counts', () => {
    for (const c of ['plain', 'distinct', 'hybrid', 'threshold', 'frequency'] as const) {
      const list = of(c);
      process.stderr.write(
        `${variant} ${c} ${String(list.length)} ranks ${String(failing(list, 'ranks').length)} totals ${String(failing(list, 'totals').length)} facets ${String(failing(list, 'facets').length)}\n`,
      );
    }
    process.stderr.write(failing(of('plain'), 'ranks').join('\n') + '\n--totals\n');
    process.stderr.write(failing(of('plain'), 'totals').join('\n') + '\n--facets\n');
    process.stderr.write(failing(of('plain'), 'facets').join('\n') + '\n');
  });
});
