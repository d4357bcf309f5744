import { MeiliError } from '../errors';
import type { JsonValue } from '../fleet';
import { hiddenPrefix, symbols } from '../hidden-fields';
import type { JsonObject } from '../search/types';
import { isObject } from '../search/values';

/** The settings that name fields of documents. */
const fieldSettings = [
  'displayedAttributes',
  'searchableAttributes',
  'filterableAttributes',
  'sortableAttributes',
  'rankingRules',
  'distinctAttribute',
  'localizedAttributes',
];

const hiddenSymbols = new Set(symbols);

/**
 * Refuses settings that would touch the hidden fields: a name or pattern that begins like theirs, and
 * a token setting that would make a symbol of their codes a word and so searchable.
 */
export function refuseReserved(settings: JsonObject): void {
  for (const name of fieldSettings) refuseNames(name, settings[name]);
  const typos = settings['typoTolerance'];
  if (isObject(typos))
    refuseNames('typoTolerance.disableOnAttributes', typos['disableOnAttributes']);
  for (const name of ['nonSeparatorTokens', 'dictionary']) refuseSymbols(name, settings[name]);
}

function refuseNames(setting: string, value: JsonValue | undefined): void {
  for (const text of textsIn(value)) {
    if (!text.startsWith(hiddenPrefix)) continue;
    throw new MeiliError(
      'miroir_reserved_field',
      `\`${setting}\` names \`${text}\`, but names that begin with \`${hiddenPrefix}\` are reserved.`,
    );
  }
}

function refuseSymbols(setting: string, value: JsonValue | undefined): void {
  for (const text of textsIn(value)) {
    const symbol = [...text].find((character) => hiddenSymbols.has(character));
    if (symbol === undefined) continue;
    throw new MeiliError(
      'miroir_reserved_field',
      `\`${setting}\` names \`${text}\`, but the symbol \`${symbol}\` must stay a separator: ` +
        'the codes of hidden fields are written in it.',
    );
  }
}

function textsIn(value: JsonValue | undefined): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return isObject(value) ? textsIn(value['attributePatterns']) : [];
}
