/**
 * Goal: a search is refused before it reaches an index just as Meilisearch refuses it.
 * Method: the recorded search exchanges; those refused for their form must give the same error, all
 * that were answered must be accepted. A GET must make the same request as its POST.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonValue } from '../../../core/fleet';
import { parseSearchQuery } from '../../../core/search/query-string';
import { parseSearchBody } from '../../../core/search/request';
import type { JsonObject } from '../../../core/search/types';

interface Exchange {
  readonly group: string;
  readonly request: { readonly method: string; readonly path: string; readonly body?: JsonValue };
  readonly response: { readonly status: number; readonly body: JsonObject };
}

const exchanges = readFileSync(join(__dirname, '../../recordings/api.ndjson'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Exchange)
  .filter(({ request }) => /^\/indexes\/[^/]+\/search(\?|$)/.test(request.path))
  .filter(({ request }) => typeof request.body !== 'string');

const parse = ({ request }: Exchange): ReturnType<typeof parseSearchBody> => {
  if (request.method === 'POST') return parseSearchBody(request.body);
  const query = new URL(request.path, 'http://x').searchParams;
  return parseSearchQuery(Object.fromEntries(query));
};

/** Refusals that need the index or the bytes, which are another module's or a node's. */
const needsIndex =
  /^Index `|not filterable|Cannot find embedder|^Was expecting|filter parameter|sort parameter|not searchable|vector dimensions|^The json payload/;

const label = ({ request }: Exchange): string =>
  `${request.method} ${request.path.slice(0, 60)} ${JSON.stringify(request.body ?? null).slice(0, 80)}`;

describe('recorded searches', () => {
  const refused = exchanges.filter(
    ({ response }) => response.status === 400 && !needsIndex.test(String(response.body['message'])),
  );
  const answered = exchanges.filter(({ response }) => response.status === 200);

  it('hold enough of both kinds', () => {
    expect(refused.length).toBeGreaterThan(9);
    expect(answered.length).toBeGreaterThan(35);
  });

  it.each(refused.map((one) => [label(one), one] as const))('%s is refused alike', (_, one) => {
    const parsed = parse(one);
    expect(parsed.ok ? 'accepted' : parsed.error.toBody()).toEqual(one.response.body);
  });

  it.each(answered.map((one) => [label(one), one] as const))('%s is accepted', (_, one) => {
    expect(parse(one).ok).toBe(true);
  });
});

describe('GET searches', () => {
  it('mean what the POST with the same members means', () => {
    const query = parseSearchQuery({
      q: 'x',
      limit: '3',
      attributesToRetrieve: 'a, b',
      sort: 'year:desc,_geoPoint(1,2):asc,title:asc',
      filter: '["a = 1"]',
      hybridEmbedder: 'e',
      vector: '0.5,1',
      showRankingScore: 'true',
      rankingScoreThreshold: '0.5',
    });
    const body = parseSearchBody({
      q: 'x',
      limit: 3,
      attributesToRetrieve: ['a', 'b'],
      sort: ['year:desc', '_geoPoint(1,2):asc', 'title:asc'],
      filter: ['a = 1'],
      hybrid: { embedder: 'e', semanticRatio: 0.5 },
      vector: [0.5, 1],
      showRankingScore: true,
      rankingScoreThreshold: 0.5,
    });
    expect(query.ok && body.ok ? { ...query.request, body: {} } : query).toEqual(
      body.ok ? { ...body.request, body: {} } : body,
    );
  });

  it.each([
    [
      { showRankingScore: 'yes' },
      'Invalid value in parameter `showRankingScore`: could not parse `yes` as a boolean, expected either `true` or `false`',
    ],
    [
      { matchingStrategy: 'most' },
      'Unknown value `most` for parameter `matchingStrategy`: expected one of `last`, `all`, `frequency`',
    ],
    [{ vector: '1,2' }, '`hybridEmbedder` is mandatory when `vector` is present'],
  ])('%j is refused', (params, message) => {
    const parsed = parseSearchQuery(params as Record<string, string>);
    expect(parsed.ok ? 'accepted' : parsed.error.message).toBe(message);
  });
});

describe('bodies inside /multi-search', () => {
  it('name their place and may hold the members of that route', () => {
    const extra = ['indexUid', 'federationOptions'];
    expect(parseSearchBody({ indexUid: 'a', q: 'x' }, '.queries[0]', extra).ok).toBe(true);
    const parsed = parseSearchBody({ indexUid: 'a', limit: 'x' }, '.queries[1]', extra);
    expect(parsed.ok ? '' : parsed.error.message).toBe(
      'Invalid value type at `.queries[1].limit`: expected a positive integer, but found a string: `"x"`',
    );
  });
});
