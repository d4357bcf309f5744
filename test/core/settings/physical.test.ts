/**
 * Goal: nodes get settings under which the merge can work and hidden fields stay hidden, and no more
 * updates than needed.
 * Method: physical settings are made from client settings and compared member by member; changes are
 * applied to what they were made from.
 */
import type { Settings } from '../../../core/fleet';
import { physicalMaxTotalHits, physicalMaxValuesPerFacet } from '../../../core/limits';
import { applySettings } from '../../../core/settings/apply';
import { defaultSettings } from '../../../core/settings/defaults';
import { guardTemplate } from '../../../core/settings/document-template';
import { physicalChanges, physicalSettings, settingsHash } from '../../../core/settings/physical';
import type { JsonObject } from '../../../core/search/types';

function withPatch(patch: JsonObject, present: Settings = defaultSettings()): Settings {
  const outcome = applySettings(present, patch);
  if (!outcome.ok) throw outcome.error;
  return outcome.settings;
}

const refusal = (patch: JsonObject): string => {
  const outcome = applySettings(defaultSettings(), patch);
  return outcome.ok ? 'accepted' : outcome.error.code;
};

describe('physical settings', () => {
  it('put the hidden filter rules first, seq among the sortable fields and last in the ranking', () => {
    const settings = withPatch({
      filterableAttributes: ['genre', { attributePatterns: ['*'] }],
      sortableAttributes: ['year', 'Title'],
      rankingRules: ['words', 'year:desc'],
    });
    const physical = physicalSettings(settings);
    const none = { equality: false, comparison: false };
    expect(physical['filterableAttributes']).toEqual([
      { attributePatterns: ['_miroir_seq'], features: { facetSearch: false, filter: none } },
      {
        attributePatterns: ['_miroir_bucket'],
        features: { facetSearch: false, filter: { equality: true, comparison: false } },
      },
      {
        attributePatterns: ['_miroir_slot', '_miroir_expires_at'],
        features: { facetSearch: false, filter: { equality: true, comparison: true } },
      },
      'genre',
      {
        attributePatterns: ['*'],
        features: { facetSearch: false, filter: { equality: true, comparison: false } },
      },
    ]);
    expect(physical['sortableAttributes']).toEqual(['Title', '_miroir_seq', 'year']);
    expect(physical['rankingRules']).toEqual(['words', 'year:desc', '_miroir_seq:asc']);
  });

  it('leave out what Miroir applies itself and bound what the merge needs whole', () => {
    const physical = physicalSettings(
      withPatch({ displayedAttributes: ['id'], pagination: { maxTotalHits: 7 } }),
    );
    expect(physical).not.toHaveProperty('displayedAttributes');
    expect(physical['pagination']).toEqual({ maxTotalHits: physicalMaxTotalHits });
    expect(physical['faceting']).toEqual({ maxValuesPerFacet: 100 });
    expect(physical['searchCutoffMs']).toBe(1500);
    const byCount = withPatch({
      faceting: { sortFacetValuesBy: { genre: 'count' } },
      searchCutoffMs: 50,
    });
    expect(physicalSettings(byCount)['faceting']).toEqual({
      maxValuesPerFacet: physicalMaxValuesPerFacet,
    });
    expect(physicalSettings(byCount)['searchCutoffMs']).toBe(50);
  });

  it('send a new index only what its node does not have already', () => {
    const changes = physicalChanges(null, physicalSettings(defaultSettings()));
    expect(Object.keys(changes).sort()).toEqual([
      'filterableAttributes',
      'pagination',
      'rankingRules',
      'searchCutoffMs',
      'sortableAttributes',
    ]);
  });

  it('send nothing for a change that nodes have no part in', () => {
    const before = physicalSettings(defaultSettings());
    const patch = { displayedAttributes: ['id'], pagination: { maxTotalHits: 3 } };
    expect(physicalChanges(before, physicalSettings(withPatch(patch)))).toEqual({});
    expect(settingsHash(before)).toBe(settingsHash(physicalSettings(withPatch(patch))));
    const other = physicalSettings(withPatch({ stopWords: ['a'] }));
    expect(physicalChanges(before, other)).toEqual({ stopWords: ['a'] });
    expect(settingsHash(other)).not.toBe(settingsHash(before));
  });

  it('hash the same settings alike in any order of members', () => {
    expect(settingsHash({ a: { x: 1, y: 2 }, b: null })).toBe(
      settingsHash({ b: null, a: { y: 2, x: 1 } }),
    );
  });

  it('say which embedders and members are gone, as nodes merge embedders', () => {
    const rest = { source: 'ollama', model: 'm', url: 'http://x' };
    const before = withPatch({
      embedders: { a: rest, b: { source: 'userProvided', dimensions: 3 } },
    });
    const after = withPatch({ embedders: { a: { url: null }, b: null } }, before);
    const changes = physicalChanges(physicalSettings(before), physicalSettings(after));
    expect(changes['embedders']).toMatchObject({ a: { source: 'ollama', url: null }, b: null });
  });

  it.each<[string, JsonObject]>([
    ['a filterable pattern', { filterableAttributes: [{ attributePatterns: ['_miroir_*'] }] }],
    ['a sortable name', { sortableAttributes: ['_miroir_seq'] }],
    ['a ranking rule', { rankingRules: ['words', '_miroir_seq:desc'] }],
    ['a displayed name', { displayedAttributes: ['_miroir_bucket'] }],
    ['a searchable name', { searchableAttributes: ['_miroir_slot'] }],
    ['the distinct attribute', { distinctAttribute: '_miroir_bucket' }],
    ['a typo exception', { typoTolerance: { disableOnAttributes: ['_miroir_slot'] } }],
    ['a symbol made a word', { nonSeparatorTokens: ['⊕'] }],
    ['a symbol in the dictionary', { dictionary: ['a⋘b'] }],
  ])('are not touched by a client through %s', (_, patch) => {
    expect(refusal(patch)).toBe('miroir_reserved_field');
  });
});

describe('document templates', () => {
  const guard =
    '{% unless f.name == "_miroir_bucket" or f.name == "_miroir_slot" or f.name == "_miroir_seq" or f.name == "_miroir_expires_at" %}';

  it('pass over hidden fields in every loop over the fields', () => {
    expect(guardTemplate('A {% for f in fields %}{{ f.value }}{% endfor %} B', 't')).toBe(
      `A {% for f in fields %}${guard}{{ f.value }}{% endunless %}{% endfor %} B`,
    );
    expect(guardTemplate('{% for t in doc.tags %}{{ t }}{% endfor %}{{ doc.title }}', 't')).toBe(
      '{% for t in doc.tags %}{{ t }}{% endfor %}{{ doc.title }}',
    );
  });

  it('guard the outer loop only, where loops are nested', () => {
    expect(
      guardTemplate(
        '{% for f in fields %}{% for x in f.value %}{{ x }}{% endfor %}{% endfor %}',
        't',
      ),
    ).toBe(
      `{% for f in fields %}${guard}{% for x in f.value %}{{ x }}{% endfor %}{% endunless %}{% endfor %}`,
    );
  });

  it.each([
    '{{ doc }}',
    '{{ doc | json }}',
    '{{ fields | size }}',
    '{% for x in doc %}{{ x }}{% endfor %}',
  ])('are refused where they print all of a document: %s', (template) => {
    expect(() => guardTemplate(template, '.embedders.e.documentTemplate')).toThrow(/template/);
  });

  it('are made explicit for embedders that have none, also nested ones', () => {
    const ollama = { source: 'ollama', model: 'm', url: 'u' };
    const patched = withPatch({
      embedders: {
        o: { source: 'openAi', apiKey: 'k' },
        u: { source: 'userProvided', dimensions: 2 },
      },
    });
    // A client cannot make one of several, because the feature cannot be switched on.
    const several = { source: 'composite', searchEmbedder: ollama, indexingEmbedder: ollama };
    const made = patched['embedders'] as JsonObject;
    const settings = { ...patched, embedders: { ...made, c: several } };
    const embedders = physicalSettings(settings)['embedders'] as Record<string, JsonObject>;
    expect(embedders['o']?.['documentTemplate']).toContain('_miroir_bucket');
    expect((embedders['c']?.['indexingEmbedder'] as JsonObject)['documentTemplate']).toContain(
      '_miroir_seq',
    );
    expect(embedders['u']).toEqual({ source: 'userProvided', dimensions: 2 });
  });
});

describe('settings checks that no recording holds', () => {
  it.each<[JsonObject, string]>([
    [
      { rankingRules: ['attribute', 'attributeRank'] },
      'Mixed usage of the attribute, attributeRank, and wordPosition ranking rules. You must either use the attribute ranking rule alone or the attributeRank and wordPosition ranking rules.',
    ],
    [
      { typoTolerance: { minWordSizeForTypos: { oneTypo: 10, twoTypos: 4 } } },
      'Invalid value at `.typoTolerance.minWordSizeForTypos`: `minWordSizeForTypos` setting is invalid. `oneTypo` and `twoTypos` fields should be between `0` and `255`, and `twoTypos` should be greater or equals to `oneTypo` but found `oneTypo: 10` and twoTypos: 4`.',
    ],
    [
      { embedders: { e: { source: 'ollama' } } },
      '`.embedders.e`: Missing field `model` (note: this field is mandatory for source `ollama`)',
    ],
    [
      { embedders: { e: { source: 'composite' } } },
      'using `"composite"` as source requires enabling the `composite embedders` experimental feature. See https://github.com/orgs/meilisearch/discussions/816',
    ],
    [
      { stopWord: [] },
      'Unknown field `stopWord`: did you mean `stopWords`? expected one of `displayedAttributes`, `searchableAttributes`, `filterableAttributes`, `sortableAttributes`, `foreignKeys`, `rankingRules`, `stopWords`, `nonSeparatorTokens`, `separatorTokens`, `dictionary`, `synonyms`, `distinctAttribute`, `proximityPrecision`, `typoTolerance`, `faceting`, `pagination`, `embedders`, `searchCutoffMs`, `localizedAttributes`, `facetSearch`, `prefixSearch`, `chat`',
    ],
  ])('%j is refused in the words of the engine', (patch, message) => {
    const outcome = applySettings(defaultSettings(), patch);
    expect(outcome.ok ? 'accepted' : outcome.error.message).toBe(message);
  });

  it('one bound held against the other that is already set fails in the task, not before', () => {
    const outcome = applySettings(defaultSettings(), {
      typoTolerance: { minWordSizeForTypos: { oneTypo: 12 } },
    });
    expect(outcome).toMatchObject({ ok: false, inTask: true });
  });
});
