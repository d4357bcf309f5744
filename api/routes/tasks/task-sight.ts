import type { IndexUid } from '../../../core/ids';
import { indexUid } from '../../../core/ids';
import type { FleetTask } from '../../../store/task-types';
import type { Caller } from '../../auth/caller';
import type { ApiContext } from '../../context';

/**
 * Which tasks a caller sees. Tasks carry the name of the index; a key for an alias sees those of what
 * the alias points at, or it could not wait for its own writes.
 */
export class TaskSight {
  constructor(
    private readonly ctx: Pick<ApiContext, 'fleet'>,
    private readonly caller: Caller,
  ) {}

  /** A key that is limited to some indexes sees none of the tasks of no single index. */
  sees({ indexUid: uid }: Pick<FleetTask, 'indexUid'>): boolean {
    if (this.caller.patterns === null) return true;
    if (uid === null) return false;
    if (this.caller.allowsIndex(uid)) return true;
    return this.ctx.fleet
      .current()
      .aliases.some(({ name, targets }) => targets.includes(uid) && this.caller.allowsIndex(name));
  }

  /** The indexes that a name in a filter means: none where the caller may not use that name. */
  meant(name: string): IndexUid[] {
    if (!this.caller.allowsIndex(name)) return [];
    const direct = this.ctx.fleet.index(name)?.viaAlias === null;
    const targets = direct ? [] : (this.ctx.fleet.alias(name)?.targets ?? []);
    return [indexUid(name), ...targets];
  }
}
