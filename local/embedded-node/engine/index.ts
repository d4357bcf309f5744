/** The embedded search engine: what the rest of the embedded node uses. */
export { normalizeFacet } from './fields';
export { formatHit, matchesPosition } from './formatting';
export {
  float,
  formatFloat,
  fromPlain,
  isObject,
  type Json,
  type JsonObject,
  JsonSyntaxError,
  LosslessNumber,
  numberOf,
  parseJson,
  parseNumberExactly,
  stringifyJson,
  toPlain,
} from './json';
export { Matcher } from './matcher';
export { SearchIndex } from './search-index';
export * from './types';
