import { MeiliError } from '../../../core/errors';
import type { StartRun, StartedRun, TemporalGateway } from '../../../api/temporal-gateway';
import type { World } from '../world/world';
import type { Temporal } from './temporal';

/** What a pod starts by itself goes to the model's Temporal; operators' requests do not come this way. */
export function gatewayOf(world: World, temporal: Temporal): TemporalGateway {
  const gateway: Pick<TemporalGateway, 'start' | 'close'> = {
    async start({ workflowType, workflowId, args }: StartRun): Promise<StartedRun> {
      return world.as('temporal', async () => {
        if (temporal.isOpen(workflowId)) {
          throw new MeiliError('miroir_operation_refused', 'This operation is already running.');
        }
        temporal.startWorkflow(workflowType, workflowId, args);
        return Promise.resolve({ workflowId, runId: '1' });
      });
    },
    close: () => Promise.resolve(),
  };
  return gateway as TemporalGateway;
}
