import { MeiliError } from '../errors';
import type { JsonValue } from '../fleet';
import type { BodyReader } from '../search/values';

const builtIn = [
  'words',
  'typo',
  'proximity',
  'attribute',
  'attributeRank',
  'wordPosition',
  'sort',
  'exactness',
];

export function readRankingRules(reader: BodyReader, value: JsonValue): JsonValue {
  const rules = reader.array(value).map((item, i) => {
    const at = reader.at(`[${String(i)}]`);
    const rule = at.text(item);
    const problem = ruleProblem(rule);
    if (problem !== null) throw at.invalid(problem);
    return rule;
  });
  if (
    rules.includes('attribute') &&
    (rules.includes('attributeRank') || rules.includes('wordPosition'))
  ) {
    throw new MeiliError(
      'invalid_settings_ranking_rules',
      'Mixed usage of the attribute, attributeRank, and wordPosition ranking rules. You must either use the attribute ranking rule alone or the attributeRank and wordPosition ranking rules.',
    );
  }
  return rules;
}

/** The field of a custom rule `field:asc` or `field:desc`, else null. */
export const customField = (rule: string): string | null =>
  /^(.*):(?:asc|desc)$/s.exec(rule)?.[1] ?? null;

function ruleProblem(rule: string): string | null {
  if (builtIn.includes(rule)) return null;
  const field = customField(rule);
  if (field === null) {
    return `\`${rule}\` ranking rule is invalid. Valid ranking rules are words, typo, sort, proximity, attribute, exactness and custom ranking rules.`;
  }
  const reserved = (name: string): string =>
    `\`${name}\` is a reserved keyword and thus can't be used as a ranking rule`;
  if (field.startsWith('_geoPoint')) {
    return `${reserved('_geoPoint')}. \`_geoPoint\` can only be used for sorting at search time`;
  }
  for (const name of ['_geoRadius', '_geoBoundingBox']) {
    if (field.startsWith(name)) {
      return `${reserved(name)}. \`${name}\` can only be used for filtering at search time`;
    }
  }
  const isReserved = field === '_geo' || /^_geo(?:Distance)?\(/.test(field);
  return isReserved ? reserved(field) : null;
}
