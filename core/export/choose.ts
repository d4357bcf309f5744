import type { AliasEntry, IndexEntry } from '../fleet';
import { indexUid } from '../ids';
import type { ExportChoice, ExportTarget } from './types';

export type Chosen =
  | { readonly ok: true; readonly targets: readonly ExportTarget[] }
  | { readonly ok: false; readonly reason: string };

/**
 * The indexes that an export sends, in the order of their names, each by the first pattern that matches
 * it. An alias is chosen only by its whole name, and its index is sent under that name; one with several
 * targets is refused, because nobody could tell their documents apart at the other side.
 */
export function chooseExported(
  fleet: {
    readonly indexes: readonly Pick<IndexEntry, 'uid' | 'physicalUid'>[];
    readonly aliases: readonly Pick<AliasEntry, 'name' | 'targets'>[];
  },
  choices: readonly ExportChoice[],
): Chosen {
  const patterns = [...choices].sort((a, b) => compare(a.pattern, b.pattern));
  const targets: ExportTarget[] = [];
  for (const { uid, physicalUid } of fleet.indexes) {
    const choice = patterns.find(({ pattern }) => matches(pattern, uid));
    if (choice !== undefined) targets.push({ uid, physicalUid, pattern: choice.pattern });
  }
  const taken = new Set<string>(fleet.indexes.map(({ uid }) => uid));
  for (const { pattern } of patterns) {
    const alias = fleet.aliases.find(({ name }) => name === pattern);
    if (alias === undefined || taken.has(pattern)) continue;
    const [only, ...others] = alias.targets;
    if (others.length > 0) {
      return {
        ok: false,
        reason: `The alias \`${pattern}\` has ${String(alias.targets.length)} targets, and an export sends one index for each name. Name them: ${alias.targets.map((target) => `\`${target}\``).join(', ')}.`,
      };
    }
    const entry = fleet.indexes.find(({ uid }) => uid === only);
    if (entry === undefined) continue;
    targets.push({ uid: indexUid(pattern), physicalUid: entry.physicalUid, pattern });
  }
  return { ok: true, targets: targets.sort((a, b) => compare(a.uid, b.uid)) };
}

const matches = (pattern: string, uid: string): boolean =>
  pattern.endsWith('*') ? uid.startsWith(pattern.slice(0, -1)) : pattern === uid;

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
