import type { Redis } from 'ioredis';
import { operationsQueuedMax } from '../core/limits';
import { groupId } from '../core/ids';
import type { GroupId } from '../core/ids';
import { assertItems, listOf, numberOf, textOf, unknownCode } from './script';
import type { ScriptRunner } from './script';
import { ClaimGroupsCode, claimGroupsScript } from './scripts/claim-groups';
import { releaseGroupsScript } from './scripts/release-groups';
import type { GovernorStore } from './governor-types';
import type { Keys } from './keys';

export interface GovernorParts {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly scripts: ScriptRunner;
}

/** Which operation has which groups to itself, and who waits for them in which order. */
export function createGovernorStore({ redis, keys, scripts }: GovernorParts): GovernorStore {
  const names = [keys.claims, keys.claimQueue, keys.claimWanted];
  return {
    async claim(operation, groups) {
      assertItems('A claim', groups.length);
      const [code, ...rest] = listOf(
        await scripts.run(
          claimGroupsScript,
          [...names, keys.claimTickets],
          [operation, operationsQueuedMax, ...groups],
        ),
      );
      switch (code) {
        case ClaimGroupsCode.Ok:
          return { kind: 'ok' };
        case ClaimGroupsCode.Busy:
          return { kind: 'busy', blockers: rest.map(textOf) };
        case ClaimGroupsCode.Full:
          return { kind: 'full', waiting: numberOf(rest[0]) };
        default:
          throw unknownCode(claimGroupsScript, code);
      }
    },
    async release(operation) {
      await scripts.run(releaseGroupsScript, names, [operation]);
    },
    async view() {
      const replies = await redis
        .multi()
        .hgetall(keys.claims)
        .zrange(keys.claimQueue, 0, '-1')
        .hgetall(keys.claimWanted)
        .exec();
      const [claims, queue, wanted] = (replies ?? []).map(([, value]) => value);
      const groupsOf = (text: string): GroupId[] =>
        text.split(',').filter(Boolean).map(Number).map(groupId);
      return {
        holders: Object.entries(claims as Record<string, string>)
          .map(([group, operation]) => ({ group: groupId(Number(group)), operation }))
          .sort((a, b) => a.group - b.group),
        queue: (queue as string[]).map((operation) => ({
          operation,
          groups: groupsOf((wanted as Record<string, string>)[operation] ?? ''),
        })),
      };
    },
  };
}
