import type { AliasEntry } from '../../core/fleet';
import { aliasHistoryMax } from '../../core/limits';
import type { AliasView } from '../alias-view';
import type { FleetStore } from '../types';

/**
 * Kind `alias`: part of the fleet's state, because a flip must reach every pod with its epoch. Which
 * targets are allowed is for the caller to check, in the same loop that decides.
 */
export function createAliasView(fleet: FleetStore, now: () => number): AliasView {
  const find = (aliases: readonly AliasEntry[], name: string): AliasEntry | undefined =>
    aliases.find((alias) => alias.name === name);
  return {
    async create(alias, audit) {
      let created = false;
      await fleet.update(audit, ({ aliases }) => {
        created = find(aliases, alias.name) === undefined;
        return created ? [{ op: 'set-alias', alias }] : null;
      });
      return created;
    },
    async get(name) {
      return find((await fleet.load()).aliases, name) ?? null;
    },
    async flip(name, targets, audit) {
      const at = new Date(now()).toISOString();
      const { aliases } = await fleet.update(audit, (before) => {
        const alias = find(before.aliases, name);
        if (alias === undefined) return null;
        const history = [...alias.history, { at, targets: alias.targets }].slice(-aliasHistoryMax);
        const flips = (alias.flips ?? alias.history.length) + 1;
        return [{ op: 'set-alias', alias: { name, targets, history, flips } }];
      });
      return find(aliases, name) ?? null;
    },
    async list() {
      return [...(await fleet.load()).aliases];
    },
    async delete(name, audit) {
      let deleted = false;
      await fleet.update(audit, ({ aliases }) => {
        deleted = find(aliases, name) !== undefined;
        return deleted ? [{ op: 'remove-alias', name }] : null;
      });
      return deleted;
    },
  };
}
