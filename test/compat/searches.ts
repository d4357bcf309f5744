import type { CompatDocument } from './corpus';
import { vector } from './corpus';
import type { Random } from './random';

export type Body = Record<string, unknown>;

/** One request that both sides are asked. */
export interface CompatRequest {
  readonly kind: string;
  readonly path: string;
  readonly body: Body;
}

function kindOf(body: Body): string {
  if ('hybrid' in body) {
    const { semanticRatio } = body['hybrid'] as { semanticRatio: number };
    return semanticRatio === 1 ? 'semantic' : 'hybrid';
  }
  if ('distinct' in body) return 'distinct';
  if ('rankingScoreThreshold' in body) return 'threshold';
  return 'sort' in body ? 'sorted' : 'search';
}

const paging = (random: Random): Body => {
  if (random.chance(0.15)) return { page: 1 + random.int(3), hitsPerPage: 1 + random.int(15) };
  if (random.chance(0.2)) return { offset: random.int(40), limit: 1 + random.int(30) };
  return {};
};

/** Makes random requests over the corpus. */
export class RequestMaker {
  readonly #words: string[];

  constructor(
    private readonly random: Random,
    private readonly documents: readonly CompatDocument[],
  ) {
    this.#words = documents.flatMap(({ name, summary }) => `${name} ${summary}`.split(/[^a-z]+/i));
    this.#words = this.#words.filter((one) => one.length > 2);
  }

  request(): CompatRequest {
    const roll = this.random.next();
    if (roll < 0.12) return this.federated();
    if (roll < 0.17) return this.similar();
    if (roll < 0.23) return this.frequency();
    if (roll < 0.28) return this.listing();
    if (roll < 0.32) return this.facetSearch();
    return this.search();
  }

  search(): CompatRequest {
    const { random } = this;
    const body: Body = { ...this.query(), ...paging(random), ...this.asks() };
    return { kind: kindOf(body), path: '/indexes/packages/search', body };
  }

  private query(): Body {
    const { random } = this;
    const body: Body = { q: this.text() };
    if (random.chance(0.35)) body['filter'] = this.filter();
    if (random.chance(0.25)) body['sort'] = random.some(sorts, 2);
    if (random.chance(0.1)) body['matchingStrategy'] = 'all';
    if (random.chance(0.05)) body['attributesToSearchOn'] = random.some(searchable, 2);
    if (random.chance(0.04)) body['rankingScoreThreshold'] = random.pick([0.2, 0.5, 0.8]);
    if (random.chance(0.12)) {
      body['hybrid'] = { embedder: 'tiny', semanticRatio: random.pick([0.1, 0.5, 0.8, 1]) };
      body['vector'] = vector(random);
    } else if (random.chance(0.08)) {
      body['distinct'] = random.pick(['section', 'priority', 'size']);
    }
    return body;
  }

  private asks(): Body {
    const { random } = this;
    return random.chance(0.3) ? { facets: random.some(facets, 3) } : {};
  }

  private frequency(): CompatRequest {
    const words = Array.from({ length: 2 + this.random.int(3) }, () => this.word());
    return {
      kind: 'frequency',
      path: '/indexes/packages/search',
      body: { q: words.join(' '), matchingStrategy: 'frequency', ...paging(this.random) },
    };
  }

  /** Documents as they are listed: by filter, sorted or in the order of insertion. */
  private listing(): CompatRequest {
    const { random } = this;
    const body: Body = { offset: random.int(300), limit: 1 + random.int(40) };
    if (random.chance(0.6)) body['filter'] = this.filter();
    if (random.chance(0.4)) body['sort'] = [random.pick(['section:asc', 'section:desc'])];
    return { kind: 'listing', path: '/indexes/packages/documents/fetch', body };
  }

  private facetSearch(): CompatRequest {
    const { random } = this;
    const facetName = random.pick(['section', 'priority', 'tags']);
    const body: Body = { facetName, exhaustiveFacetCount: true };
    const value = random.pick(this.documents);
    const text = facetName === 'tags' ? (value.tags[0] ?? 'role') : value.section;
    if (random.chance(0.7)) body['facetQuery'] = text.slice(0, 1 + random.int(5));
    if (random.chance(0.4)) body['q'] = this.text();
    if (random.chance(0.3)) body['filter'] = this.filter();
    return { kind: 'facet-search', path: '/indexes/packages/facet-search', body };
  }

  private similar(): CompatRequest {
    const { random } = this;
    const body: Body = { id: random.pick(this.documents).id, embedder: 'tiny' };
    if (random.chance(0.4)) body['filter'] = this.filter();
    if (random.chance(0.3)) body['limit'] = 1 + random.int(40);
    return { kind: 'similar', path: '/indexes/packages/similar', body };
  }

  private federated(): CompatRequest {
    const { random } = this;
    const sort = random.chance(0.3) ? { sort: [random.pick(sorts)] } : {};
    const queries = Array.from({ length: 1 + random.int(4) }, () => {
      const { sort: _, distinct: __, ...query } = this.query();
      const weight = { federationOptions: { weight: random.pick([0.5, 0.9, 1, 2]) } };
      return {
        indexUid: random.pick(['packages', 'packages', 'tools']),
        ...query,
        ...(random.chance(0.9) ? sort : {}),
        ...(random.chance(0.5) ? weight : {}),
      };
    });
    const federation: Body = { ...paging(random) };
    if (random.chance(0.3)) {
      federation['facetsByIndex'] = { packages: random.some(facets, 2), tools: ['section'] };
      if (random.chance(0.4)) federation['mergeFacets'] = {};
    }
    if (random.chance(0.07)) federation['distinct'] = 'section';
    return { kind: 'federated', path: '/multi-search', body: { queries, federation } };
  }

  private word(): string {
    return this.random.pick(this.#words).toLowerCase();
  }

  private text(): string {
    const { random } = this;
    if (random.chance(0.08)) return '';
    const near = random
      .pick(this.documents)
      .summary.split(/[^A-Za-z]+/)
      .filter(Boolean);
    const at = random.int(Math.max(1, near.length - 2));
    const chosen = near.slice(at, at + 1 + random.int(4));
    if (chosen.length === 0 || random.chance(0.15)) chosen.push(this.word());
    let text = chosen.join(' ').toLowerCase();
    if (random.chance(0.3)) text = this.typo(text);
    if (random.chance(0.35)) text = text.slice(0, Math.max(1, text.length - 1 - random.int(3)));
    if (random.chance(0.06)) text = `"${text}"`;
    if (random.chance(0.06)) text = text.replace(' ', '');
    if (random.chance(0.04)) text = `${text} -${this.word()}`;
    return text;
  }

  private typo(text: string): string {
    const at = this.random.int(text.length);
    const letter = String.fromCharCode(97 + this.random.int(26));
    return text.slice(0, at) + letter + text.slice(at + (this.random.chance(0.5) ? 1 : 0));
  }

  private filter(): string {
    const { random } = this;
    const { section, size } = random.pick(this.documents);
    const other = random.pick(this.documents);
    return random.pick([
      `section = "${section}"`,
      `section != "${section}"`,
      `size > ${String(size ?? 10)}`,
      `size < ${String(size ?? 10)} AND priority = optional`,
      `section = "${section}" OR section = "${other.section}"`,
      `NOT section IN ["${section}", "${other.section}"]`,
      'installed EXISTS AND size IS NOT NULL',
      `tags = "${other.tags[0] ?? 'role::program'}"`,
      `_geoRadius(${String(random.int(80))}, ${String(random.int(170))}, ${String(1_000_000 + random.int(4_000_000))})`,
      `_geoBoundingBox([${String(random.int(80))}, ${String(random.int(170))}], [-10, -30])`,
      `name STARTS WITH "${other.name.slice(0, 2)}"`,
    ]);
  }
}

const sorts = ['size:asc', 'size:desc', 'installed:desc', 'section:asc', '_geoPoint(10, 20):asc'];
const searchable = ['name', 'summary', 'tags', 'depends'];
const facets = ['section', 'priority', 'size', 'tags'];

/** The settings of both indexes. */
export const settings: Body = {
  searchableAttributes: searchable,
  filterableAttributes: ['name', 'section', 'priority', 'size', 'installed', 'tags', '_geo'],
  sortableAttributes: ['size', 'installed', 'section', '_geo'],
  embedders: { tiny: { source: 'userProvided', dimensions: 4 } },
};
