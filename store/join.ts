import { epoch as epochOf } from '../core/ids';
import type { NodeId, PhysicalUid, ShardId } from '../core/ids';
import { waitUntilOnDisk } from './change-fleet';
import type { WaitAof } from './options';
import { encodeAudit, encodeOps } from './fleet-ops';
import { hasSettledEntries } from './journals';
import type { JournalStoreParts } from './journals';
import { assertItems, listOf, numberOf, textOf, unknownCode } from './script';
import { JoinTargetsCode, joinTargetsScript } from './scripts/join-targets';
import type { FleetOp, JoinRequest, JoinResult, Store } from './types';

/** Each further round means that the fence was raised anew meanwhile. */
const roundsMax = 3;

export function createJoin(parts: JournalStoreParts & { waitAof: WaitAof }): Store['join'] {
  return async (physicalUid, request) => {
    const changed = changedShards(physicalUid, request.changes);
    let raise = '';
    for (let round = 0; round < roundsMax; round += 1) {
      const [code, value] = await tryJoin(parts, physicalUid, { request, changed, raise });
      switch (code) {
        case JoinTargetsCode.Ok:
          await waitUntilOnDisk(parts.redis, parts.waitAof);
          return { kind: 'ok', epoch: epochOf(numberOf(value)) };
        case JoinTargetsCode.JournalsToRead:
          raise = textOf(value);
          for (const journal of changed.joining) {
            if (await hasSettledEntries(parts, { physicalUid, ...journal })) return no('journal');
          }
          break;
        case JoinTargetsCode.FenceLost:
          return no('fence-lost');
        case JoinTargetsCode.AttemptOld:
          return no('attempt-old');
        case JoinTargetsCode.EpochMoved:
          return no('epoch-moved');
        case JoinTargetsCode.Outstanding:
          return no('outstanding');
        default:
          throw unknownCode(joinTargetsScript, code);
      }
    }
    return no('fence-lost');
  };
}

function no(reason: Extract<JoinResult, { kind: 'no' }>['reason']): JoinResult {
  return { kind: 'no', reason };
}

interface ChangedShards {
  readonly shards: readonly ShardId[];
  readonly joining: readonly { readonly shard: ShardId; readonly target: NodeId }[];
}

/** A replica that is `joined` in a change may have been `syncing` before: its journal is looked at. */
function changedShards(physicalUid: PhysicalUid, changes: readonly FleetOp[]): ChangedShards {
  const shards = new Set<ShardId>();
  const joining: { shard: ShardId; target: NodeId }[] = [];
  for (const op of changes) {
    if (op.op !== 'set-replicas' || op.physicalUid !== physicalUid) continue;
    shards.add(op.shard);
    for (const replica of op.replicas) {
      if (replica.state === 'joined') joining.push({ shard: op.shard, target: replica.node });
    }
  }
  if (joining.length === 0) throw new RangeError('A join must make at least one replica joined.');
  return { shards: [...shards], joining };
}

/** Positions: see the header of the script. */
async function tryJoin(
  { keys, scripts }: JournalStoreParts,
  physicalUid: PhysicalUid,
  input: { request: JoinRequest; changed: ChangedShards; raise: string },
): Promise<ReturnType<typeof listOf>> {
  const { request, changed, raise } = input;
  assertItems('A join', request.changes.length + changed.joining.length);
  const journals = changed.joining.map(({ shard, target }) =>
    keys.journal(physicalUid, shard, target),
  );
  const encoded = encodeOps(keys, request.changes, 5 + journals.length);
  const { attempt, epoch, fenceToken, audit } = request;
  return listOf(
    await scripts.run(
      joinTargetsScript,
      [
        ...[keys.epoch, keys.topologyLog, keys.fences(physicalUid), keys.attempt(attempt.runKey)],
        ...[keys.outstanding(physicalUid), ...journals, ...encoded.keys],
      ],
      [
        ...[keys.epochChannel, encodeAudit(audit), encoded.lines, epoch, fenceToken],
        ...[attempt.number, raise, changed.shards.join(','), journals.length],
        ...encoded.args,
      ],
    ),
  );
}
