import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A film of the demo's index, made of the data set's record with names that are easy to search by. */
export interface Film {
  readonly id: number;
  readonly title: string;
  readonly genre: string | null;
  readonly director: string | null;
  readonly distributor: string | null;
  readonly rating: number | null;
  readonly votes: number | null;
  readonly year: number | null;
  readonly minutes: number | null;
  readonly gross: number | null;
}

type Raw = Record<string, string | number | null>;

/** The 3,201 films of the npm package `vega-datasets`, which `npm install` has brought. */
export function loadFilms(): Film[] {
  const main = require.resolve('vega-datasets');
  const root = main.slice(0, main.lastIndexOf('vega-datasets') + 'vega-datasets'.length);
  const path = join(dirname(join(root, 'package.json')), 'data', 'movies.json');
  const raw = JSON.parse(readFileSync(path, 'utf8')) as Raw[];
  return raw.map((record, ordinal) => ({
    id: ordinal,
    title: String(record['Title'] ?? ''),
    genre: text(record['Major Genre']),
    director: text(record['Director']),
    distributor: text(record['Distributor']),
    rating: number(record['IMDB Rating']),
    votes: number(record['IMDB Votes']),
    year: yearOf(text(record['Release Date'])),
    minutes: number(record['Running Time min']),
    gross: number(record['Worldwide Gross']),
  }));
}

function text(value: string | number | null | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

function number(value: string | number | null | undefined): number | null {
  return typeof value === 'number' ? value : null;
}

function yearOf(date: string | null): number | null {
  const year = /(\d{4})$/.exec(date ?? '')?.[1];
  return year === undefined ? null : Number(year);
}
