/**
 * Goal: queries whose hits cannot be compared are refused in a federation, and only these, with
 * Meilisearch's text.
 * Method: golden cases, the answers of a real Meilisearch 1.50 to random pairs and triples of queries
 * over two indexes with random ranking rules: placeholder, keyword and semantic ones, with and without
 * `sort`. The message is null where it answered. Where a node refused a query for itself (a sort that its
 * rules have no place for) the comparison has nothing to say.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { firstIncompatible } from '../../../../core/search/federation/compatibility';
import { readMultiSearch } from '../../../../core/search/federation/request';
import { compareUtf8 } from '../../../../core/search/rust-text';
import type { JsonObject } from '../../../../core/search/types';
import { defaultSettings } from '../../../../core/settings/defaults';

interface Golden {
  readonly rankingRules: Readonly<Record<string, readonly string[]>>;
  readonly queries: readonly JsonObject[];
  readonly message: string | null;
}

const golden = gunzipSync(
  readFileSync(join(__dirname, '../golden/federation-compatibility.ndjson.gz')),
)
  .toString('utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Golden)
  .filter(({ message }) => message?.includes('You must specify where `sort` is listed') !== true);

/** The first refusal, with the place of its query as the route shows it; null when all are comparable. */
function refusal({ rankingRules, queries }: Golden): string | null {
  const ordered = [...readMultiSearch({ queries: [...queries], federation: {} }).queries].sort(
    (a, b) => compareUtf8(a.indexUid, b.indexUid) || a.position - b.position,
  );
  const refused = firstIncompatible(
    ordered.map(({ indexUid, request, position }) => ({
      indexUid,
      request,
      position,
      settings: { ...defaultSettings(), rankingRules: [...(rankingRules[indexUid] ?? [])] },
    })),
  );
  if (refused === null) return null;
  return `Inside \`.queries[${String(refused.position)}]\`: ${refused.error.message}`;
}

test.each(golden.map((one, i) => [i + 1, one] as const))('case %i of the engine', (_, one) => {
  expect(refusal(one)).toBe(one.message);
});

test('the cases hold both kinds', () => {
  expect(golden.filter(({ message }) => message === null).length).toBeGreaterThan(20);
  expect(golden.filter(({ message }) => message !== null).length).toBeGreaterThan(50);
});
