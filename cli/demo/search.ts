import type { DemoContext } from './step';
import { record } from './step';

interface FilmHit {
  readonly id: number;
  readonly title: string;
  readonly year: number | null;
  readonly rating: number | null;
  readonly genre: string | null;
  readonly _rankingScoreDetails?: Readonly<Record<string, unknown>>;
}

interface Answer {
  readonly hits: readonly FilmHit[];
  readonly estimatedTotalHits: number;
  readonly facetDistribution?: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

interface Plan {
  readonly indexes: readonly {
    readonly nodes: readonly { readonly node: string; readonly shards: readonly number[] }[];
  }[];
}

const path = '/indexes/films/search';

/** Searches as a user would: typos, filters with facets, a sort; then the ranking behind two hits. */
export async function showSearches(demo: DemoContext): Promise<void> {
  const { api, screen } = demo;
  screen.heading('2. Search: three nodes answer as one');

  const typo = await api.post<Answer>(path, { q: 'jurasic prak', limit: 3 });
  screen.line(`  "jurasic prak" finds ${typo.estimatedTotalHits}:`);
  show(demo, typo.hits);
  record(
    demo,
    'typos forgiven',
    typo.hits[0]?.title ?? 'nothing',
    /jurassic/i.test(typo.hits[0]?.title ?? ''),
  );

  const drama = await api.post<Answer>(path, {
    filter: 'year >= 2000 AND rating > 8',
    facets: ['genre'],
    limit: 3,
  });
  screen.line(`  Since 2000 and rated above 8: ${drama.estimatedTotalHits} films, by genre:`);
  const genres = Object.entries(drama.facetDistribution?.['genre'] ?? {});
  screen.line(`  ${genres.map(([genre, count]) => `${genre} ${count}`).join(', ')}`);
  const counted = genres.reduce((sum, [, count]) => sum + count, 0);
  record(
    demo,
    'facets over all nodes',
    `${counted} of ${drama.estimatedTotalHits} have a genre`,
    counted <= drama.estimatedTotalHits,
  );

  const sorted = await api.post<Answer>(path, { q: 'star', sort: ['rating:desc'], limit: 4 });
  screen.line(`  "star", best rated first: ${sorted.estimatedTotalHits} films`);
  show(demo, sorted.hits);
}

/** Two hits of one answer that came from different nodes, with the details by which they were merged. */
export async function showRanking(demo: DemoContext): Promise<void> {
  const { api, screen } = demo;
  screen.heading('3. Why this order: ranking details of two hits from two nodes');
  const body = { q: 'night', limit: 20, showRankingScoreDetails: true };
  const answer = await api.post<Answer>(path, body);
  const asked = (await api.post<Plan>('/indexes/films/explain', body)).indexes[0]?.nodes ?? [];
  const shares = asked.map(({ node, shards }) => `${node} for shards ${shards.join(',')}`);
  screen.line(`  Asked: ${shares.join('; ')}`);
  const shards = await Promise.all(answer.hits.map((hit) => shardOf(demo, hit.id)));
  const nodes = shards.map((shard) => asked.find((one) => one.shards.includes(shard))?.node ?? '');
  const first = answer.hits[0];
  const other = answer.hits.find((_, ordinal) => nodes[ordinal] !== nodes[0]);
  for (const hit of [first, other]) {
    if (hit === undefined) continue;
    const at = answer.hits.indexOf(hit);
    screen.line(`  from ${nodes[at] ?? ''}, shard ${shards[at] ?? ''}: ${hit.title}`);
    for (const [rule, detail] of Object.entries(hit._rankingScoreDetails ?? {})) {
      screen.line(`      ${rule.padEnd(14)} ${JSON.stringify(detail)}`);
    }
  }
  const count = new Set(nodes).size;
  record(demo, 'hits of one page came from', `${count} nodes`, count > 1);
}

/** The shard of a document: a search that pins its id can match in that one only. */
async function shardOf(demo: DemoContext, id: number): Promise<number> {
  const plan = await demo.api.post<Plan>('/indexes/films/explain', { filter: `id = ${id}` });
  return plan.indexes[0]?.nodes[0]?.shards[0] ?? -1;
}

function show(demo: DemoContext, hits: readonly FilmHit[]): void {
  demo.screen.table(
    ['title', 'year', 'rating', 'genre'],
    hits.map((hit) => [hit.title, hit.year ?? '', hit.rating ?? '', hit.genre ?? '']),
  );
}
