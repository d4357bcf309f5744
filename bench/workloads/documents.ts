/** Documents like those of a shop, the same at each run: a plain linear generator, no clock. */
export interface DocumentsWorkload {
  readonly count: number;
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly ids: readonly string[];
}

const words = (
  'harbor silent garden glass river northern winter letter stone paper café été signal cotton ' +
  'machine orange window velvet copper distant quiet morning engine forest'
).split(' ');

/** Numbers 0 … 2^31 - 1 in an order that depends on the seed only. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state;
  };
}

/** A JSON array of `count` documents of about 430 bytes, twelve fields each. */
export function documentsWorkload(count: number, seed = 7): DocumentsWorkload {
  const next = numbers(seed);
  const phrase = (length: number): string =>
    Array.from({ length }, () => words[(next() >>> 8) % words.length]).join(' ');
  const documents = Array.from({ length: count }, (_, n) => ({
    id: `sku-${String(n)}-${(next() >>> 4).toString(36)}`,
    title: phrase(4),
    description: phrase(24),
    brand: phrase(1),
    price: (next() % 100_000) / 100,
    stock: next() % 500,
    rating: (next() % 50) / 10,
    tags: [phrase(1), phrase(1), phrase(1)],
    available: next() % 2 === 0,
    released: '2026-11-24T00:00:00Z',
    dimensions: { width: next() % 90, height: next() % 90 },
    supplier: null,
  }));
  const text = JSON.stringify(documents);
  return { count, text, bytes: new TextEncoder().encode(text), ids: documents.map(({ id }) => id) };
}
