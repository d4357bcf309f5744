/** How values of facets are compared: trimmed, decomposed, lower case, as Meilisearch does it. */

const PLAIN = /^[!-@[-`{-~a-z](?:[ -@[-`{-~a-z]*[!-@[-`{-~a-z])?$/;

/** The normalised form of a facet value or of a value in a filter. */
export function normalizeFacet(value: string): string {
  if (PLAIN.test(value)) return value;
  let decomposed = '';
  for (const character of value.trim()) decomposed += character.normalize('NFKD');
  return decomposed.toLowerCase();
}
