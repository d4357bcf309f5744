import { FilterLexer, FilterSyntaxError } from './lexer';
import type { FilterAst, FilterCondition, FilterParse, FilterToken } from './types';

/** The engine's own bound on nested expressions; each parenthesis counts several of its levels. */
const depthMax = 150;
const geoFunctions = ['_geoRadius', '_geoBoundingBox', '_geoPolygon'];

/**
 * Parses Meilisearch's filter language:
 *
 *     or    = and ("OR" and)*          and = not ("AND" not)*       not = "NOT" not | primary
 *     primary = "(" or ")" | geo | vectors | foreign | field condition
 *
 * It accepts at least what the engine accepts; what it refuses, a node refuses in better words.
 */
export function parseFilter(text: string): FilterParse {
  try {
    const lexer = new FilterLexer(text);
    if (lexer.atEnd()) return { ok: true, ast: null };
    const ast = parseOr(lexer, 0);
    if (!lexer.atEnd()) return { ok: false, reason: 'syntax' };
    return { ok: true, ast };
  } catch (error) {
    if (error instanceof FilterSyntaxError) return { ok: false, reason: 'syntax' };
    throw error;
  }
}

function parseOr(lexer: FilterLexer, depth: number): FilterAst {
  if (depth > depthMax) throw new FilterSyntaxError();
  const parts = [parseAnd(lexer, depth + 1)];
  while (lexer.takeWord('OR')) parts.push(parseAnd(lexer, depth + 1));
  return joined('or', parts);
}

function parseAnd(lexer: FilterLexer, depth: number): FilterAst {
  const parts = [parseNot(lexer, depth + 1)];
  while (lexer.takeWord('AND')) parts.push(parseNot(lexer, depth + 1));
  return joined('and', parts);
}

const joined = (kind: 'and' | 'or', parts: readonly FilterAst[]): FilterAst =>
  parts.length === 1 && parts[0] ? parts[0] : { kind, parts };

function parseNot(lexer: FilterLexer, depth: number): FilterAst {
  if (depth > depthMax) throw new FilterSyntaxError();
  if (!lexer.takeWord('NOT')) return parsePrimary(lexer, depth + 1);
  return { kind: 'not', part: parseNot(lexer, depth + 1) };
}

function parsePrimary(lexer: FilterLexer, depth: number): FilterAst {
  if (lexer.take('(')) {
    const ast = parseOr(lexer, depth + 1);
    lexer.expect(')');
    return ast;
  }
  const word = lexer.peekWord();
  const start = lexer.at;
  if (geoFunctions.includes(word) || word === '_foreign') {
    lexer.takeWord(word);
    lexer.group('(', ')');
    return { kind: 'opaque', text: lexer.text.slice(start, lexer.at) };
  }
  if (word === '_vectors' || word.startsWith('_vectors.')) return parseVectors(lexer, start);
  return parseCondition(lexer);
}

/** `_vectors`, with an optional path whose parts may be quoted, then `EXISTS` or `NOT EXISTS`. */
function parseVectors(lexer: FilterLexer, start: number): FilterAst {
  const path = /^_vectors(?:\.(?:[^\s."']+|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'))*/su;
  const written = path.exec(lexer.text.slice(start))?.[0] ?? '';
  lexer.at = start + written.length;
  lexer.takeWord('NOT');
  if (!lexer.takeWord('EXISTS')) throw new FilterSyntaxError();
  return { kind: 'opaque', text: lexer.text.slice(start, lexer.at) };
}

function parseCondition(lexer: FilterLexer): FilterAst {
  const field = lexer.value();
  const { negated, condition } = parseTest(lexer);
  const ast: FilterAst = { kind: 'condition', field, condition, start: field.start, end: lexer.at };
  return negated ? { kind: 'not', part: ast } : ast;
}

interface Test {
  readonly negated: boolean;
  readonly condition: FilterCondition;
}

function parseTest(lexer: FilterLexer): Test {
  for (const op of ['<=', '>=', '!=', '<', '>', '='] as const) {
    if (lexer.take(op)) return { negated: false, condition: { op, value: lexer.value() } };
  }
  if (lexer.takeWord('IS')) {
    const negated = lexer.takeWord('NOT');
    if (lexer.takeWord('NULL')) return { negated, condition: { op: 'NULL' } };
    if (lexer.takeWord('EMPTY')) return { negated, condition: { op: 'EMPTY' } };
    throw new FilterSyntaxError();
  }
  const negated = lexer.takeWord('NOT');
  if (lexer.takeWord('IN')) return { negated, condition: { op: 'IN', values: parseList(lexer) } };
  if (lexer.takeWord('EXISTS')) return { negated, condition: { op: 'EXISTS' } };
  for (const op of ['CONTAINS', 'STARTS WITH'] as const) {
    if (lexer.take(op)) return { negated, condition: { op, value: lexer.value() } };
  }
  if (negated) throw new FilterSyntaxError();
  const from = lexer.value();
  if (!lexer.takeWord('TO')) throw new FilterSyntaxError();
  return { negated: false, condition: { op: 'TO', from, to: lexer.value() } };
}

function parseList(lexer: FilterLexer): FilterToken[] {
  lexer.expect('[');
  const values: FilterToken[] = [];
  while (!lexer.take(']')) {
    values.push(lexer.value());
    if (lexer.take(',')) continue;
    lexer.expect(']');
    break;
  }
  return values;
}
