/** The tree of a parsed filter. Tokens know their place in the text, which error messages quote. */

export interface Token {
  /** The value, with quotes taken off and escapes resolved. */
  readonly text: string;
  /** The text as written, without its quotes; its length gives the end column. */
  readonly source: string;
  /** Counts characters from 1, within the line. */
  readonly column: number;
  /** The whole filter text. */
  readonly filter: string;
}

export type Operator = '=' | '!=' | '>' | '>=' | '<' | '<=';

export type Condition =
  | {
      readonly kind: 'compare';
      readonly field: Token;
      readonly operator: Operator;
      readonly value: Token;
    }
  | { readonly kind: 'between'; readonly field: Token; readonly from: Token; readonly to: Token }
  | { readonly kind: 'in'; readonly field: Token; readonly values: readonly Token[] }
  | { readonly kind: 'exists' | 'null' | 'empty'; readonly field: Token }
  | {
      readonly kind: 'contains';
      readonly field: Token;
      readonly keyword: Token;
      readonly value: Token;
    }
  | { readonly kind: 'startsWith'; readonly field: Token; readonly value: Token }
  | { readonly kind: 'radius'; readonly point: readonly [Token, Token]; readonly radius: Token }
  | {
      readonly kind: 'box';
      readonly topRight: readonly [Token, Token];
      readonly bottomLeft: readonly [Token, Token];
    }
  | { readonly kind: 'not'; readonly of: Condition }
  | { readonly kind: 'and' | 'or'; readonly all: readonly Condition[] };

/** A filter that cannot be parsed or evaluated; the message is Meilisearch's, with its position. */
export class FilterFault extends Error {
  constructor(message: string, token: Pick<Token, 'source' | 'column' | 'filter'>) {
    const end = token.column + [...token.source].length;
    super(`${message}\n${token.column}:${end} ${token.filter}`);
    this.name = 'FilterFault';
  }
}
