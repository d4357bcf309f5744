import { MeiliError, isErrorCode } from '../errors';
import type { JsonValue, Settings } from '../fleet';
import { hiddenPrefix, hiddenRankingRule } from '../hidden-fields';
import { displayedFields } from './fields';
import { filterablePatterns } from './patterns';

/** How many filter rules of Miroir's own stand before the client's on every node. */
export const hiddenFilterRules = 3;

export interface NodeErrorContext {
  /** The body of the node's answer, parsed; anything else is answered as an internal error. */
  readonly body: JsonValue;
  readonly status: number;
  readonly indexUid: string;
  readonly physicalUid: string;
  readonly settings: Settings;
}

/**
 * A node's error in the client's words: the client's uid for the physical one, hidden names taken out
 * of lists, and the numbers of filter rules lowered by those that stand before the client's own.
 *
 * Positions and the quoted filter in a filter error are those of the request that the node got. The
 * caller asks one node with the client's own body (and `limit: 0`) to get them right.
 */
export function translateNodeError(context: NodeErrorContext): MeiliError {
  const { body, status } = context;
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return new MeiliError('internal', `A node answered ${String(status)} without a reason.`);
  }
  const { message, code } = body;
  if (typeof message !== 'string' || typeof code !== 'string' || !isErrorCode(code)) {
    return new MeiliError('internal', `A node answered ${String(status)} without a known code.`);
  }
  return new MeiliError(code, translateText(message, context), status);
}

/** The same for a text, such as the error of a node's task. */
export function translateText(
  text: string,
  context: Pick<NodeErrorContext, 'indexUid' | 'physicalUid' | 'settings'>,
): string {
  const noFilterable = filterablePatterns(context.settings).length === 0;
  let out = text.replaceAll(`\`${context.physicalUid}\``, `\`${context.indexUid}\``);
  out = withoutUndisplayed(withoutHiddenNames(out), displayedFields(context.settings));
  out = out.replace(/\brule #(\d+)/g, (_, number: string) => {
    return `rule #${String(Math.max(0, Number(number) - hiddenFilterRules))}`;
  });
  if (noFilterable)
    out = out.replace(
      emptyFilterList,
      ' This index does not have configured filterable attributes.',
    );
  return out.replace(emptySortList, 'This index does not have configured sortable attributes.');
}

/** What is left of a list once its only names, hidden ones, were taken out. */
const emptyFilterList = / Available filterable attributes? patterns are: (?:``)?\./g;
const emptySortList = /Available sortable attributes are: ``\./g;

/** One quoted name a item, or one quotation around a comma-separated list. */
function withoutHiddenNames(text: string): string {
  if (!text.includes(hiddenPrefix)) return text;
  return text
    .replace(new RegExp(`, \`${hiddenPrefix}[^\`,]*\``, 'g'), '')
    .replace(new RegExp(`\`${hiddenPrefix}[^\`,]*\`, `, 'g'), '')
    .replace(/`([^`]*)`/g, (quoted, list: string) =>
      list.includes(hiddenPrefix) && list.includes(', ') ? `\`${keptNames(list)}\`` : quoted,
    )
    .replace(/: `_miroir_[^`,]*`\./g, ': ``.')
    .replaceAll(`, ${hiddenRankingRule}`, '');
}

const keptNames = (list: string): string =>
  list
    .split(', ')
    .filter((name) => !name.startsWith(hiddenPrefix))
    .join(', ');

/** The lists in which the engine does not name what is not displayed. */
const displayedLists =
  /((?:sortable attributes|searchable attributes) are|distinct attribute\. Available filterable attributes patterns are): `([^`]*)`/g;

/** Nodes display every field, so their lists name what the client's settings hide. */
function withoutUndisplayed(text: string, displayed: readonly string[] | null): string {
  if (displayed === null) return text;
  return text.replace(displayedLists, (_, head: string, list: string) => {
    const names = list.split(', ');
    const shown = names.filter((name) => displayed.includes(name));
    const all = shown.length < names.length && shown.length > 0;
    return `${head}: \`${[...shown, ...(all ? ['<..hidden-attributes>'] : [])].join(', ')}\``;
  });
}
