/** The embedded search engine: what the rest of the embedded node uses. */
export { normalizeFacet } from './fields';
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
  stringifyJson,
  toPlain,
} from './json';
export { Matcher } from './matcher';
export { SearchIndex } from './search-index';
export * from './types';
