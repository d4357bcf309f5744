import type { FilterAst, FilterCondition } from './types';

/**
 * A tree as the engine prints filters in its messages: every word quoted, every operand of AND, OR
 * and NOT in parentheses. Parsing the text gives the tree back.
 */
export function printFilter(ast: FilterAst): string {
  switch (ast.kind) {
    case 'opaque':
      return ast.text;
    case 'not':
      return `NOT (${printFilter(ast.part)})`;
    case 'and':
    case 'or': {
      const word = ast.kind === 'and' ? ' AND ' : ' OR ';
      return ast.parts.map((part) => `(${printFilter(part)})`).join(word);
    }
    case 'condition':
      return `${JSON.stringify(ast.field.text)} ${printTest(ast.condition)}`;
  }
}

function printTest(condition: FilterCondition): string {
  switch (condition.op) {
    case 'IN':
      return `IN [${condition.values.map(({ text }) => JSON.stringify(text)).join(', ')}]`;
    case 'TO':
      return `${JSON.stringify(condition.from.text)} TO ${JSON.stringify(condition.to.text)}`;
    case 'NULL':
    case 'EMPTY':
      return `IS ${condition.op}`;
    case 'EXISTS':
      return 'EXISTS';
    default:
      return `${condition.op} ${JSON.stringify(condition.value.text)}`;
  }
}
