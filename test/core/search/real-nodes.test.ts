/**
 * Goal: P1 on real nodes as Miroir keeps them: three Meilisearch 1.50 with physical settings, hidden
 * fields in each document and documents loaded backwards, against one with the client's settings.
 * Method: `golden/*.ndjson.gz` hold 220 random searches recorded on real servers: what the one answered,
 * what the three were asked and what they answered. Rewriting must still ask the same, and the merge
 * must give the same hits, with ties, and the same everything else unless a reason is named. The first
 * file's settings show four fields only; the second's have an embedder and sort within the ranking.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { JsonValue, Settings } from '../../../core/fleet';
import { nodeId } from '../../../core/ids';
import { refuseHiddenNames } from '../../../core/search/hidden-names';
import { mergeHybrid } from '../../../core/search/hybrid';
import { searchKind } from '../../../core/search/kind';
import { mergeAnswers } from '../../../core/search/merge';
import { translateNodeError } from '../../../core/search/node-error';
import { nodeSearchBody } from '../../../core/search/rewrite';
import { almostSemantic, keepsWords } from '../../../core/search/semantic-half';
import { distinctSpare } from '../../../core/search/spare';
import type { JsonObject, NodeAnswer } from '../../../core/search/types';
import { mergeInput, requestOf, settingsOf, textOf } from './answers';

interface Asked {
  readonly body: JsonObject;
  readonly answers: readonly { readonly status: number; readonly text: string }[];
}

/** Since the recording a distinct search in offset mode looks further, for the sake of its counts. */
function furtherPage(request: JsonObject, body: JsonObject): JsonObject {
  const isOffset = request['page'] === undefined && request['hitsPerPage'] === undefined;
  if (!isOffset || body['hitsPerPage'] === undefined) return {};
  return { hitsPerPage: Number(body['hitsPerPage']) + distinctSpare };
}

/** Since the recording the words of the query go along where they matter for the semantic half. */
function withWords(
  request: JsonObject,
  { body, settings }: { body: JsonObject; settings: Settings },
) {
  if (!keepsWords(requestOf(request), settings)) return {};
  return { hybrid: { ...(body['hybrid'] as JsonObject), semanticRatio: almostSemantic } };
}

interface Golden {
  readonly request: JsonObject;
  readonly status: number;
  readonly single: string;
  readonly asked: { readonly [half in 'plain' | 'keyword' | 'semantic']?: Asked };
}

function load(name: string): { patch: JsonObject; searches: Golden[] } {
  const file = join(__dirname, 'golden', `${name}.ndjson.gz`);
  const [head = '', ...lines] = gunzipSync(readFileSync(file)).toString('utf8').trim().split('\n');
  const { settings } = JSON.parse(head) as { settings: JsonObject };
  return { patch: settings, searches: lines.map((line) => JSON.parse(line) as Golden) };
}

const nodeAnswers = (asked: Asked): NodeAnswer[] =>
  asked.answers.map(({ text }, i) => ({
    node: nodeId(`meili-${String(i)}`),
    bytes: Buffer.from(text),
  }));

/** Members in one order: a node's documents list theirs as it first saw them. */
function canonical(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const names = Object.keys(value).sort();
  return Object.fromEntries(names.map((name) => [name, canonical(value[name] ?? null)]));
}

/** Without times and uids, and without the scores that depend on each node's words. */
function comparable(text: string): JsonObject {
  const { processingTimeMs: _, requestUid: __, ...answer } = JSON.parse(text) as JsonObject;
  for (const hit of (answer['hits'] ?? []) as JsonObject[]) {
    delete hit['_rankingScore'];
    const rules = hit['_rankingScoreDetails'] as { [rule: string]: JsonObject } | undefined;
    for (const [rule, details] of Object.entries(rules ?? {})) {
      if (rule === 'typo') delete details['maxTypoCount'];
      if (rule === 'typo' || rule === 'words') delete details['score'];
    }
  }
  return canonical(answer) as JsonObject;
}

interface Merged {
  readonly answer: JsonObject;
  readonly approximate: readonly string[];
}

function mergeGolden(golden: Golden, patch: JsonObject): Merged {
  const { plain, keyword, semantic } = golden.asked;
  const input = mergeInput(
    nodeAnswers(plain ?? keyword ?? { body: {}, answers: [] }),
    golden.request,
    patch,
  );
  const output =
    semantic === undefined ? mergeAnswers(input) : mergeHybrid(input, nodeAnswers(semantic));
  return { answer: comparable(textOf(output)), approximate: output.approximate };
}

function errorOf(golden: Golden, settings: Settings): JsonValue {
  const request = requestOf(golden.request);
  const refused = refuseHiddenNames(request, settings, 'films');
  if (refused !== null) return { ...refused.toBody() };
  const answers = (golden.asked.plain ?? golden.asked.keyword)?.answers ?? [];
  const bad = answers.find(({ status }) => status >= 400);
  if (bad === undefined) return 'answered';
  const body = JSON.parse(bad.text) as JsonValue;
  const names = { indexUid: 'films', physicalUid: 'phys' };
  return { ...translateNodeError({ body, status: bad.status, settings, ...names }).toBody() };
}

describe.each(['shown-fields', 'hybrid'])('searches recorded on real nodes: %s', (name) => {
  const { patch, searches } = load(name);
  const settings = settingsOf(patch);
  const answered = searches.filter(({ status }) => status === 200);
  const refused = searches.filter(({ status }) => status !== 200);
  const label = (golden: Golden): string => JSON.stringify(golden.request).slice(0, 150);

  it('are enough of each kind', () => {
    expect(searches).toHaveLength(110);
    expect(refused.length).toBeGreaterThan(3);
    const kinds = answered.map(({ request }) => searchKind(requestOf(request)));
    expect(kinds.filter((kind) => kind === 'keyword').length).toBeGreaterThan(60);
    if (name === 'hybrid')
      expect(kinds.filter((kind) => kind === 'hybrid').length).toBeGreaterThan(9);
  });

  it('ask nodes what they were asked when the answers were recorded', () => {
    for (const { request, asked } of searches) {
      for (const [half, { body }] of Object.entries(asked)) {
        const options = { settings, bucketFilter: null, tenantFilter: null };
        const split = half === 'plain' ? {} : { half: half as 'keyword' | 'semantic' };
        const asks = nodeSearchBody(requestOf(request), { ...options, ...split });
        expect(asks).toEqual({
          ...{ ...body, ...furtherPage(request, body) },
          ...(half === 'semantic' ? withWords(request, { body, settings: options.settings }) : {}),
        });
      }
    }
  });

  it.each(answered.map((golden) => [label(golden), golden] as const))('%s', (_, golden) => {
    const { answer, approximate } = mergeGolden(golden, patch);
    const wanted = comparable(golden.single);
    if (!approximate.includes('semantic-highlight')) expect(answer['hits']).toEqual(wanted['hits']);
    // Whatever else differs must have been named.
    if (approximate.length === 0) expect(answer).toEqual(wanted);
    else expect(Object.keys(answer)).toEqual(Object.keys(wanted));
  });

  it('need a reason in few cases only', () => {
    const named = answered.filter((golden) => mergeGolden(golden, patch).approximate.length > 0);
    expect(named.length).toBeLessThan(answered.length / 3);
  });

  it.each(refused.map((golden) => [label(golden), golden] as const))(
    '%s is refused',
    (_, golden) => {
      expect(errorOf(golden, settings)).toEqual(JSON.parse(golden.single));
    },
  );
});
