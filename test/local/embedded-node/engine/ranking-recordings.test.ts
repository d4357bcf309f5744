/**
 * Goal: the engine ranks as a real Meilisearch 1.50 does. Method: replay 2 × 110 recorded searches
 * on one index with all films and on three with a part each, and compare ids, ranking score details,
 * scores and totals with the recorded answers. All must be equal, ties and
 * the last bit of scores included.
 */
import { stringifyJson } from '../../../../local/embedded-node/engine';
import {
  ask,
  asObject,
  compare,
  type Comparison,
  loadFilms,
  readCases,
  readSettings,
  type Variant,
} from './recorded-searches';

const ANSWERS = 110;

interface Tally {
  readonly counts: Record<keyof Comparison, number>;
  readonly differences: string[];
}

function replay(variant: Variant, part: number | null): Tally {
  const films = loadFilms(variant, part);
  const { maxTotalHits } = readSettings(variant);
  const counts = { formatted: 0, details: 0, ids: 0, scores: 0, total: 0, semanticHitCount: 0 };
  const differences: string[] = [];
  for (const { request, single, partRequest, parts } of readCases(variant)) {
    const [asked, recorded] = part === null ? [request, single] : [partRequest, parts[part]];
    const result = ask(films, asked, maxTotalHits);
    const equal = compare(films, { result, request: asked }, asObject(recorded));
    for (const key of Object.keys(counts) as (keyof Comparison)[])
      counts[key] += Number(equal[key]);
    const unequal = Object.entries(equal).filter(([, isEqual]) => !isEqual);
    if (unequal.length === 0) continue;
    const brief = new Map(asked);
    for (const name of brief.keys())
      if (/^(attributesTo[RHC]|show|crop)/.test(name)) brief.delete(name);
    differences.push(`${unequal.map(([name]) => name).join(',')}: ${stringifyJson(brief)}`);
  }
  return { counts, differences };
}

describe.each<Variant>(['default', 'tuned'])('recorded searches with %s settings', (variant) => {
  it.each([null, 0, 1, 2])('are answered as recorded (part %s)', (part) => {
    const { counts, differences } = replay(variant, part);
    const name = part === null ? 'all films' : `part ${part}`;
    const table = Object.entries(counts).map(([key, count]) => `${key} ${count}/${ANSWERS}`);
    process.stdout.write(`${variant}, ${name}: ${table.join(', ')}\n`);
    for (const difference of differences) process.stdout.write(`  differs in ${difference}\n`);
    for (const count of Object.values(counts)) expect(count).toBe(ANSWERS);
  });
});
