import { MeiliError } from '../../core/errors';
import type { ShardId } from '../../core/ids';

export function noQuorum(shards: readonly ShardId[]): MeiliError {
  const which = shards.length === 0 ? 'the index' : `${shards.length} shard(s)`;
  return new MeiliError(
    'miroir_no_quorum',
    `Too few replicas of ${which} took the write. Its outcome is unknown; sending it again is safe.`,
  );
}

export function fenced(): MeiliError {
  return new MeiliError(
    'miroir_fenced',
    'Documents of this index are being moved and the write waited as long as it may. Nothing was written; retry.',
  );
}

export function notReady(): MeiliError {
  return new MeiliError(
    'miroir_not_ready',
    'This pod cannot write now. Nothing was written; retry.',
  );
}
