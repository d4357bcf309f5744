import { MeiliError } from '../../../core/errors';
import { exclusively } from '../../../store/exclusive';
import type { RecordLease } from '../../../store/exclusive';
import type { ApiContext } from '../../context';

/** A change of a record with its schedule; refused when others are at it for too long. */
export async function exclusive<T>(
  ctx: ApiContext,
  name: RecordLease,
  work: () => Promise<T>,
): Promise<T> {
  const done = await exclusively(ctx.store.leases, { name, owner: ctx.pod.id }, work);
  if (done !== null) return done.result;
  throw new MeiliError(
    'miroir_operation_refused',
    'Somebody else is changing these records now. Retry.',
  );
}
