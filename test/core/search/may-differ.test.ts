/**
 * Goal: a plan names each way in which the answer can differ from one Meilisearch's, and no way that the
 * query and the settings rule out.
 * Method: searches with settings, and the reasons that are expected of them.
 */
import type { JsonValue } from '../../../core/fleet';
import { mayDiffer } from '../../../core/search/may-differ';
import { parseSearchBody } from '../../../core/search/request';
import { defaultSettings } from '../../../core/settings/defaults';

function reasonsOf(body: { [member: string]: JsonValue }, settings = {}): string[] {
  const parsed = parseSearchBody(body);
  if (!parsed.ok) throw parsed.error;
  const found = mayDiffer(parsed.request, { ...defaultSettings(), ...settings });
  expect(found.every(({ reason, why }) => why.length > reason.length)).toBe(true);
  return found.map(({ reason }) => reason);
}

const hybrid = { embedder: 'e', semanticRatio: 0.5 };

test.each<[string, { [member: string]: JsonValue }, readonly string[]]>([
  ['a placeholder', {}, []],
  ['a phrase', { q: '"red shoes"' }, []],
  ['a phrase after a word', { q: 'a "red shoes"' }, []],
  ['a short word', { q: 'red' }, ['split-words', 'prefix-caps']],
  ['a finished word', { q: 'shoes ' }, ['split-words', 'typo-caps']],
  ['a long word', { q: 'shoes' }, ['split-words', 'typo-caps', 'prefix-caps']],
  [
    'two words, of which one is begun',
    { q: 'shoes re' },
    ['split-words', 'typo-caps', 'prefix-caps', 'word-distance', 'last-word'],
  ],
  [
    'two words, of which the last is long',
    { q: 'red shoes' },
    ['split-words', 'typo-caps', 'prefix-caps', 'last-word'],
  ],
  ['a word that is not wanted', { q: '-shoes' }, []],
  ['a semantic search', { q: 'shoes', hybrid: { ...hybrid, semanticRatio: 1 } }, []],
  [
    'a hybrid one with a word that is not wanted',
    { q: 'red -shoes', hybrid, showMatchesPosition: true },
    ['split-words', 'score', 'semantic-negation', 'semantic-highlight'],
  ],
  ['a threshold', { rankingScoreThreshold: 0.5 }, ['score-threshold']],
  ['the frequency strategy', { q: 'a b ', matchingStrategy: 'frequency' }, ['frequency-strategy']],
  ['distinct', { distinct: 'brand' }, ['distinct-array', 'distinct-total']],
  ['facets', { facets: ['brand'] }, ['facet-capped', 'facet-ties', 'facet-spelling']],
  ['a sort by distance', { sort: ['_geoPoint(1, 2):asc'] }, ['geo-near']],
])('%s', (_what, body, reasons) => {
  expect(reasonsOf(body)).toEqual(reasons);
});

test('what the settings switch off is not named', () => {
  const q = { q: 'shoes reds' };
  expect(reasonsOf(q, { prefixSearch: 'disabled' })).toEqual(['split-words', 'typo-caps']);
  expect(reasonsOf(q, { typoTolerance: { enabled: false } })).toEqual([
    'split-words',
    'prefix-caps',
    'word-distance',
  ]);
  expect(reasonsOf(q, { rankingRules: ['words'] })).toEqual([
    'split-words',
    'typo-caps',
    'prefix-caps',
  ]);
  const numbers = { typoTolerance: { enabled: true, disableOnNumbers: true } };
  expect(reasonsOf({ q: '12345 ' }, numbers)).toEqual(['split-words']);
  const words = { typoTolerance: { enabled: true, disableOnWords: ['shoes'] } };
  expect(reasonsOf({ q: 'Shoes ' }, words)).toEqual(['split-words']);
});

test('the distinct attribute of the settings counts, too', () => {
  expect(reasonsOf({ facets: ['brand'] }, { distinctAttribute: 'brand' })).toContain(
    'facet-distinct',
  );
});
