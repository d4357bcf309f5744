/** A word of a filter. `text` is unquoted and unescaped; `start` and `end` span what was written. */
export interface FilterToken {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** A comparison of one field with constants. */
export type FilterCondition =
  | { readonly op: '=' | '!=' | '>' | '>=' | '<' | '<='; readonly value: FilterToken }
  | { readonly op: 'CONTAINS' | 'STARTS WITH'; readonly value: FilterToken }
  | { readonly op: 'IN'; readonly values: readonly FilterToken[] }
  | { readonly op: 'TO'; readonly from: FilterToken; readonly to: FilterToken }
  | { readonly op: 'EXISTS' | 'NULL' | 'EMPTY' };

/** The spans are those of the text that was parsed. `a NOT IN [b]` is a `not` around an `IN`. */
export type FilterAst =
  | {
      readonly kind: 'condition';
      readonly field: FilterToken;
      readonly condition: FilterCondition;
      readonly start: number;
      readonly end: number;
    }
  /** Geo, vector and foreign conditions: they name no field of a document and pass as written. */
  | { readonly kind: 'opaque'; readonly text: string }
  | { readonly kind: 'not'; readonly part: FilterAst }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly FilterAst[] };

/**
 * Either the tree (null for an empty text, which filters nothing), or that the text is not a filter:
 * the caller then lets a node say why, in the engine's words.
 */
export type FilterParse =
  | { readonly ok: true; readonly ast: FilterAst | null }
  | { readonly ok: false; readonly reason: 'syntax' };
