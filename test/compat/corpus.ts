import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from './random';

export interface CompatDocument {
  readonly id: number;
  readonly name: string;
  readonly summary: string;
  readonly depends: string;
  readonly section: string;
  readonly priority: string;
  readonly tags: readonly string[];
  readonly size: number | null;
  readonly installed?: number;
  readonly _geo?: { readonly lat: number; readonly lng: number };
  readonly _vectors: { readonly tiny: readonly number[] | null };
}

export interface Corpus {
  readonly source: string;
  readonly documents: readonly CompatDocument[];
}

/**
 * Real package descriptions where apt's lists are at hand and `source` allows it, else texts of a Zipf
 * vocabulary, which are the same everywhere.
 */
export function makeCorpus(
  count: number,
  seed: number,
  source: 'any' | 'synthetic' = 'any',
): Corpus {
  const random = new Random(seed);
  const packages = source === 'any' ? aptPackages() : [];
  if (packages.length < count) return { source: 'synthetic', documents: synthetic(count, random) };
  const step = packages.length / count;
  const documents = Array.from({ length: count }, (_, i) =>
    document(i, packages[Math.floor(i * step)] ?? {}, random),
  );
  return { source: 'apt-cache dumpavail', documents };
}

type Fields = Readonly<Record<string, string>>;

function aptPackages(): Fields[] {
  try {
    const options = { encoding: 'utf8' as const, maxBuffer: 1 << 28, stdio: 'pipe' as const };
    const text = execFileSync('apt-cache', ['dumpavail'], options);
    return text.split('\n\n').filter(Boolean).map(fieldsOf);
  } catch {
    return [];
  }
}

function fieldsOf(paragraph: string): Fields {
  const lines = paragraph.replace(/\n /g, ' ').split('\n');
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
}

function document(id: number, fields: Fields, random: Random): CompatDocument {
  const tags = (fields['Tag'] ?? '').split(', ').filter(Boolean).slice(0, 6);
  return {
    id,
    name: fields['Package'] ?? '',
    summary: fields['Description'] ?? '',
    depends: (fields['Depends'] ?? '').replace(/ \([^)]*\)/g, ''),
    section: fields['Section'] ?? 'none',
    priority: fields['Priority'] ?? 'optional',
    tags,
    size: random.chance(0.02) ? null : Math.floor(Number(fields['Size'] ?? 0) / 1000),
    ...(random.chance(0.9) ? { installed: Number(fields['Installed-Size'] ?? 0) } : {}),
    ...(random.chance(0.5)
      ? { _geo: { lat: degrees(random, 80), lng: degrees(random, 170) } }
      : {}),
    _vectors: { tiny: random.chance(0.9) ? vector(random) : null },
  };
}

const degrees = (random: Random, max: number): number =>
  Math.round((random.next() * 2 - 1) * max * 1000) / 1000;

export const vector = (random: Random): number[] =>
  Array.from({ length: 4 }, () => Math.round((random.next() * 2 - 1) * 1000) / 1000);

function synthetic(count: number, random: Random): CompatDocument[] {
  const words = filmWords();
  const zipf = (): string => words[Math.floor(words.length ** random.next()) - 1] ?? 'word';
  const text = (length: number): string => Array.from({ length }, zipf).join(' ');
  return Array.from({ length: count }, (_, id) =>
    document(
      id,
      {
        Package: `${zipf()}-${zipf()}`,
        Description: text(4 + random.int(10)),
        Depends: text(random.int(120)),
        Section: `section${String(random.int(40))}`,
        Priority: random.pick(['optional', 'extra', 'required']),
        Tag: random.some(words.slice(0, 60), 5).join(', '),
        Size: String(random.int(5_000_000)),
        'Installed-Size': String(random.int(40_000)),
      },
      random,
    ),
  );
}

/** The words of films' titles and makers, the most frequent first: words as people write them. */
function filmWords(): string[] {
  const path = join('node_modules', 'vega-datasets', 'data', 'movies.json');
  const films = JSON.parse(readFileSync(path, 'utf8')) as object[];
  const counts = new Map<string, number>();
  for (const word of films.flatMap((film) => textOf(film).match(/[a-z]{2,}/g) ?? [])) {
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts.keys()].sort((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0));
}

const textOf = (film: object): string =>
  Object.values(film)
    .filter((value) => typeof value === 'string')
    .join(' ')
    .toLowerCase();
