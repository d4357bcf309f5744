/**
 * The filter grammar of Meilisearch:
 *
 *     filter  = or EOF
 *     or      = and ("OR" and)*          and = not ("AND" not)*
 *     not     = "NOT" not | primary
 *     primary = "(" or ")" | geo | value operation
 */
import { FilterFault } from './ast';
import type { Condition, Operator, Token } from './ast';
import { NoValue, Scanner, escapeForMessage } from './scanner';

const MAX_DEPTH = 150;
const OPERATORS: readonly Operator[] = ['<=', '>=', '!=', '<', '>', '='];

const OPERATIONS =
  'Was expecting an operation `=`, `!=`, `>=`, `>`, `<=`, `<`, `IN`, `NOT IN`, `TO`, `EXISTS`, ' +
  '`NOT EXISTS`, `IS NULL`, `IS NOT NULL`, `IS EMPTY`, `IS NOT EMPTY`, `CONTAINS`, `NOT CONTAINS`, ' +
  '`STARTS WITH`, `NOT STARTS WITH`, `_geoRadius`, `_geoBoundingBox` or `_geoPolygon`';
const TOO_DEEP =
  'The filter exceeded the maximum depth limit. Try rewriting the filter so that it contains fewer ' +
  'nested conditions.';
const RADIUS_FORM =
  'The `_geoRadius` filter must be in the form: ' +
  '`_geoRadius(latitude, longitude, radius, optionalResolution)`.';
const BOX_FORM =
  'The `_geoBoundingBox` filter expects two pairs of arguments: ' +
  '`_geoBoundingBox([latitude, longitude], [latitude, longitude])`.';

class Parser {
  private readonly scanner: Scanner;

  constructor(text: string) {
    this.scanner = new Scanner(text);
  }

  filter(): Condition {
    const condition = this.or(0);
    if (this.scanner.at < this.scanner.text.length) {
      const rest = this.scanner.rest();
      const shown = escapeForMessage(rest.source);
      throw new FilterFault(
        `Found unexpected characters at the end of the filter: \`${shown}\`. You probably forgot an \`OR\` or an \`AND\` rule.`,
        rest,
      );
    }
    return condition;
  }

  private or(depth: number): Condition {
    return this.chain('or', 'OR', () => this.and(depth + 1), depth);
  }

  private and(depth: number): Condition {
    return this.chain('and', 'AND', () => this.not(depth + 1), depth);
  }

  private chain(kind: 'and' | 'or', word: string, next: () => Condition, depth: number): Condition {
    if (depth > MAX_DEPTH) throw new FilterFault(TOO_DEEP, this.scanner.rest());
    const first = next();
    const all = [first];
    while (this.wordAfterBlanks(word)) all.push(next());
    return all.length === 1 ? first : { kind, all };
  }

  /** Takes the word and the blanks around it, or nothing. */
  private wordAfterBlanks(word: string): boolean {
    const before = this.scanner.at;
    this.scanner.blanks();
    if (this.scanner.takeWord(word)) {
      this.scanner.blanks();
      return true;
    }
    this.scanner.at = before;
    return false;
  }

  private not(depth: number): Condition {
    if (depth > MAX_DEPTH) throw new FilterFault(TOO_DEEP, this.scanner.rest());
    if (!this.wordAfterBlanks('NOT')) return this.primary(depth + 1);
    const of = this.not(depth + 1);
    return of.kind === 'not' ? of.of : { kind: 'not', of };
  }

  private primary(depth: number): Condition {
    const { scanner } = this;
    const start = scanner.at;
    scanner.blanks();
    if (scanner.take('(')) {
      scanner.blanks();
      const inner = this.or(depth + 1);
      scanner.blanks();
      if (!scanner.take(')')) {
        const shown = escapeForMessage(scanner.text.slice(start));
        const message = `Expression \`${shown}\` is missing the following closing delimiter: \`)\`.`;
        throw new FilterFault(message, scanner.rest(start));
      }
      scanner.blanks();
      return inner;
    }
    if (scanner.takeWord('_geoRadius')) return this.radius();
    if (scanner.takeWord('_geoBoundingBox')) return this.box();
    return this.operation(start);
  }

  private operation(start: number): Condition {
    const { scanner } = this;
    let field: Token;
    try {
      field = scanner.value();
    } catch (error) {
      if (!(error instanceof NoValue)) throw error;
      if (error.isKeyword) throw error.fault;
      throw this.noOperation(start);
    }
    const condition = this.comparison(field) ?? this.wordOperation(field);
    if (condition === null) throw this.noOperation(start);
    return condition;
  }

  private noOperation(start: number): FilterFault {
    const rest = this.scanner.rest(start);
    const found =
      rest.source.trim() === ''
        ? 'but instead got nothing.'
        : `at \`${escapeForMessage(rest.source)}\`.`;
    return new FilterFault(`${OPERATIONS} ${found}`, rest);
  }

  private comparison(field: Token): Condition | null {
    const operator = OPERATORS.find((candidate) => this.scanner.take(candidate));
    return operator === undefined
      ? null
      : { kind: 'compare', field, operator, value: this.requiredValue() };
  }

  /** Once an operator was read, a value must follow. */
  private requiredValue(): Token {
    try {
      return this.scanner.value();
    } catch (error) {
      throw error instanceof NoValue ? error.fault : error;
    }
  }

  private wordOperation(field: Token): Condition | null {
    const { scanner } = this;
    if (scanner.takeWord('IS')) return this.isOperation(field);
    const before = scanner.at;
    const negated = scanner.takeWord('NOT');
    scanner.blanks();
    const condition = this.plainOperation(field);
    if (condition === null) {
      scanner.at = before;
      return negated ? null : this.between(field);
    }
    return negated ? { kind: 'not', of: condition } : condition;
  }

  private plainOperation(field: Token): Condition | null {
    const { scanner } = this;
    const start = scanner.at;
    if (scanner.takeWord('IN')) return { kind: 'in', field, values: this.valueList() };
    if (scanner.take('EXISTS')) return { kind: 'exists', field };
    if (scanner.take('CONTAINS')) {
      const keyword = scanner.token(start, 'CONTAINS');
      return { kind: 'contains', field, keyword, value: this.requiredValue() };
    }
    if (scanner.take('STARTS WITH'))
      return { kind: 'startsWith', field, value: this.requiredValue() };
    return null;
  }

  private isOperation(field: Token): Condition | null {
    const { scanner } = this;
    scanner.blanks();
    const negated = scanner.takeWord('NOT');
    scanner.blanks();
    const kind = scanner.take('NULL') ? 'null' : scanner.take('EMPTY') ? 'empty' : null;
    if (kind === null) return null;
    return negated ? { kind: 'not', of: { kind, field } } : { kind, field };
  }

  private between(field: Token): Condition | null {
    const { scanner } = this;
    let from: Token;
    try {
      from = scanner.value();
    } catch (error) {
      if (error instanceof NoValue) return null;
      throw error;
    }
    if (!scanner.takeWord('TO') || !/\s/.test(scanner.text[scanner.at] ?? '')) return null;
    return { kind: 'between', field, from, to: this.requiredValue() };
  }

  private valueList(): Token[] {
    const { scanner } = this;
    scanner.blanks();
    if (!scanner.take('[')) {
      throw new FilterFault('Expected `[` after `IN` keyword.', scanner.rest());
    }
    const values: Token[] = [];
    for (;;) {
      scanner.blanks();
      if (scanner.take(']')) break;
      if (scanner.at >= scanner.text.length) {
        const message = 'Expected matching `]` after the list of field names given to `IN[`';
        throw new FilterFault(message, scanner.rest());
      }
      values.push(this.listItem());
      if (!scanner.take(',') && scanner.text[scanner.at] !== ']') {
        if (scanner.at < scanner.text.length) throw this.notInList();
      }
    }
    scanner.blanks();
    return values;
  }

  private listItem(): Token {
    const start = this.scanner.at;
    try {
      return this.scanner.value();
    } catch (error) {
      if (!(error instanceof NoValue)) throw error;
      this.scanner.at = start;
      throw this.notInList();
    }
  }

  private notInList(): FilterFault {
    const rest = this.scanner.rest();
    const expected = 'Expected only comma-separated field names inside `IN[..]` but instead found';
    return new FilterFault(`${expected} \`${escapeForMessage(rest.source)}\`.`, rest);
  }

  /** Numbers between brackets; null where they are not, with the scanner where they stop. */
  private floats(open: string, close: string): Token[] | null {
    const { scanner } = this;
    if (!scanner.take(open)) return null;
    const values: Token[] = [];
    for (;;) {
      const before = scanner.at;
      if (values.length > 0 && !scanner.take(',')) return null;
      const value = scanner.takeFloat();
      if (value === null) {
        scanner.at = before;
        return null;
      }
      values.push(value);
      if (scanner.take(close)) return values;
    }
  }

  private radius(): Condition {
    const values = this.floats('(', ')');
    if (values === null) throw new FilterFault(RADIUS_FORM, this.scanner.rest());
    const [lat, lng, radius] = values;
    if (lat === undefined || lng === undefined || radius === undefined || values.length > 4) {
      const message = `Was expecting 3 or 4 arguments for \`_geoRadius\`, but instead found ${values.length}.`;
      throw new FilterFault(message, this.scanner.rest());
    }
    return { kind: 'radius', point: [lat, lng], radius };
  }

  private box(): Condition {
    const { scanner } = this;
    const wrong = (): FilterFault => new FilterFault(BOX_FORM, scanner.rest());
    if (!scanner.take('(')) throw wrong();
    const corners: [Token, Token][] = [];
    for (;;) {
      scanner.blanks();
      const values = this.floats('[', ']');
      if (values === null) throw wrong();
      const [lat, lng] = values;
      if (lat === undefined || lng === undefined || values.length !== 2) {
        const message = `Was expecting 2 coordinates but instead found ${values.length}.`;
        throw new FilterFault(message, lat ?? scanner.rest());
      }
      corners.push([lat, lng]);
      scanner.blanks();
      if (scanner.take(')')) break;
      if (!scanner.take(',')) throw wrong();
    }
    const [topRight, bottomLeft] = corners;
    if (topRight === undefined || bottomLeft === undefined || corners.length !== 2) {
      throw new FilterFault(BOX_FORM, scanner.rest());
    }
    return { kind: 'box', topRight, bottomLeft };
  }
}

/** Parses a filter text; null when it is blank. Throws `FilterFault`. */
export function parseFilterText(text: string): Condition | null {
  return text.trim() === '' ? null : new Parser(text).filter();
}
