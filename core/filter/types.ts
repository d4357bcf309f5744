/**
 * A word of a filter with the place where it stood, so that an error can point at it as
 * Meilisearch's do. `text` is unquoted and unescaped.
 */
export interface FilterToken {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** A comparison of one field with constants. */
export type FilterCondition =
  | { readonly op: '=' | '!=' | '>' | '>=' | '<' | '<='; readonly value: FilterToken }
  | { readonly op: 'CONTAINS' | 'STARTS WITH'; readonly value: FilterToken; readonly not: boolean }
  | { readonly op: 'IN'; readonly values: readonly FilterToken[]; readonly not: boolean }
  | { readonly op: 'TO'; readonly from: FilterToken; readonly to: FilterToken }
  | { readonly op: 'EXISTS' | 'NULL' | 'EMPTY'; readonly not: boolean };

export type FilterAst =
  | { readonly kind: 'condition'; readonly field: FilterToken; readonly condition: FilterCondition }
  | {
      readonly kind: 'geo';
      readonly name: '_geoRadius' | '_geoBoundingBox' | '_geoPolygon';
      /** The text between the outer parentheses, as the client wrote it. */
      readonly text: string;
    }
  | { readonly kind: 'not'; readonly part: FilterAst }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly FilterAst[] };

/** Either the tree, or that the text is not a filter: the caller lets a node say why. */
export type FilterParse =
  | { readonly ok: true; readonly ast: FilterAst | null }
  | { readonly ok: false; readonly reason: 'syntax' };
