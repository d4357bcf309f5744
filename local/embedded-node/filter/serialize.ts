/** Prints a filter as Meilisearch's search pipeline does before it runs it; error texts quote this. */
import type { Condition, Token } from './ast';

function quoted(token: Token): string {
  return JSON.stringify(token.text);
}

/** The text of a condition: names and values quoted, members of AND and OR in parentheses. */
export function serializeFilter(condition: Condition): string {
  switch (condition.kind) {
    case 'not':
      return `NOT (${serializeFilter(condition.of)})`;
    case 'and':
    case 'or': {
      const parts = condition.all.map((part) => `(${serializeFilter(part)})`);
      return parts.join(condition.kind === 'and' ? ' AND ' : ' OR ');
    }
    case 'compare':
      return `${quoted(condition.field)} ${condition.operator} ${quoted(condition.value)}`;
    case 'between':
      return `${quoted(condition.field)} ${quoted(condition.from)} TO ${quoted(condition.to)}`;
    case 'in':
      return `${quoted(condition.field)} IN [${condition.values.map(quoted).join(', ')}]`;
    case 'exists':
      return `${quoted(condition.field)} EXISTS`;
    case 'null':
      return `${quoted(condition.field)} IS NULL`;
    case 'empty':
      return `${quoted(condition.field)} IS EMPTY`;
    case 'contains':
      return `${quoted(condition.field)} CONTAINS ${quoted(condition.value)}`;
    case 'startsWith':
      return `${quoted(condition.field)} STARTS WITH ${quoted(condition.value)}`;
    case 'radius': {
      const [lat, lng] = condition.point;
      return `_geoRadius(${lat.text}, ${lng.text}, ${condition.radius.text})`;
    }
    case 'box': {
      const corners = [condition.topRight, condition.bottomLeft];
      return `_geoBoundingBox(${corners.map(([lat, lng]) => `[${lat.text}, ${lng.text}]`).join(', ')})`;
    }
  }
}
