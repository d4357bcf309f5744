import type { FilterAst, FilterCondition } from './types';

/**
 * The ids that a filter leaves possible, or null when it does not pin the primary key. A search that
 * pins ids need only reach their shards.
 *
 * The engine compares strings without case and numbers by value, so a text may match ids that hash to
 * other shards. Only texts that no other id can match are taken: whole numbers written plainly, and
 * digits with `-` and `_` that are no number.
 */
export function pinnedIds(ast: FilterAst | null, primaryKey: string): string[] | null {
  const ids = ast === null ? null : pinned(ast, primaryKey);
  return ids === null ? null : [...ids];
}

function pinned(ast: FilterAst, primaryKey: string): Set<string> | null {
  switch (ast.kind) {
    case 'opaque':
    case 'not':
      return null;
    case 'condition':
      return ast.field.text === primaryKey ? conditionIds(ast.condition) : null;
    case 'and': {
      const lists = ast.parts.map((part) => pinned(part, primaryKey)).filter((one) => one !== null);
      const [first, ...others] = lists;
      if (first === undefined) return null;
      return new Set([...first].filter((id) => others.every((other) => other.has(id))));
    }
    case 'or': {
      const lists = ast.parts.map((part) => pinned(part, primaryKey));
      if (lists.some((list) => list === null)) return null;
      return new Set(lists.flatMap((list) => [...(list ?? [])]));
    }
  }
}

function conditionIds(condition: FilterCondition): Set<string> | null {
  const texts =
    condition.op === '='
      ? [condition.value.text]
      : condition.op === 'IN'
        ? condition.values.map(({ text }) => text)
        : null;
  return texts?.every(isUnambiguous) === true ? new Set(texts) : null;
}

const wholeNumber = /^(?:0|-?[1-9]\d{0,14})$/;
const plainCharacters = /^[0-9_-]+$/;
const numberLike = /^-?\d+$/;

const isUnambiguous = (text: string): boolean =>
  wholeNumber.test(text) || (plainCharacters.test(text) && !numberLike.test(text));
