/** The setting `rankingRules`. */
import { ApiError } from '../errors';
import type { Json } from '../engine/json';
import { asStrings, child, invalidValue } from '../http/validate';
import type { Place } from '../http/validate';

const RULES = new Set([
  'words',
  'typo',
  'sort',
  'proximity',
  'attribute',
  'attributeRank',
  'wordPosition',
  'exactness',
]);

/** Known names and `field:asc|desc`; the two forms of the attribute rule exclude each other. */
export function checkRankingRules(value: Json, place: Place): Json {
  const rules = asStrings(value, place);
  rules.forEach((rule, index) => {
    if (RULES.has(rule) || /^.+:(asc|desc)$/.test(rule)) return;
    const known = 'words, typo, sort, proximity, attribute, exactness and custom ranking rules';
    const message = `\`${rule}\` ranking rule is invalid. Valid ranking rules are ${known}.`;
    throw invalidValue(message, child(place, index));
  });
  if (
    rules.includes('attribute') &&
    rules.some((rule) => rule === 'attributeRank' || rule === 'wordPosition')
  ) {
    throw new ApiError(
      place.code,
      'Mixed usage of the attribute, attributeRank, and wordPosition ranking rules. You must either use the attribute ranking rule alone or the attributeRank and wordPosition ranking rules.',
    );
  }
  return rules;
}
