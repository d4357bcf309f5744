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

interface ShardRow {
  readonly shard: number;
  readonly replicas: readonly { readonly node: string; readonly state: string }[];
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

/** Two hits of one query that live on different nodes, with the details by which they were merged. */
export async function showRanking(demo: DemoContext): Promise<void> {
  const { api, screen } = demo;
  screen.heading('3. Why this order: ranking details of two hits from two nodes');
  const body = { q: 'night', limit: 20, showRankingScoreDetails: true };
  const answer = await api.post<Answer>(path, body);
  const plan = await api.post<Plan>('/indexes/films/explain', body);
  const { results } = await api.get<{ results: ShardRow[] }>('/_miroir/shards?index=films');
  screen.line(
    `  Asked: ${(plan.indexes[0]?.nodes ?? []).map((node) => `${node.node} (${node.shards.length} shards)`).join(', ')}; ${results.length} shards in the table.`,
  );
  const owners = await Promise.all(answer.hits.map((hit) => ownerOf(demo, hit.id)));
  const first = answer.hits[0];
  const other = answer.hits.find((_, ordinal) => owners[ordinal] !== owners[0]);
  for (const hit of [first, other]) {
    if (hit === undefined) continue;
    screen.line(`  ${owners[answer.hits.indexOf(hit)] ?? ''}: ${hit.title}`);
    for (const [rule, detail] of Object.entries(hit._rankingScoreDetails ?? {})) {
      screen.line(`      ${rule.padEnd(14)} ${JSON.stringify(detail)}`);
    }
  }
  record(demo, 'hits of one page from', `${new Set(owners).size} nodes`, new Set(owners).size > 1);
}

/** The node that answers for one document: a search that pins the id asks only that one. */
async function ownerOf(demo: DemoContext, id: number): Promise<string> {
  const plan = await demo.api.post<Plan>('/indexes/films/explain', {
    filter: `id = ${id}`,
    q: 'night',
  });
  return plan.indexes[0]?.nodes[0]?.node ?? 'nobody';
}

function show(demo: DemoContext, hits: readonly FilmHit[]): void {
  demo.screen.table(
    ['title', 'year', 'rating', 'genre'],
    hits.map((hit) => [hit.title, hit.year ?? '', hit.rating ?? '', hit.genre ?? '']),
  );
}
