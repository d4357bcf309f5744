import { isMeiliError } from '../../../core/errors';
import type { JsonValue } from '../../../core/fleet';
import type { CheckedFleet, CheckedNode } from '../check/checked-fleet';
import { search } from '../story/clients';
import type { ModelFleet, ModelPod } from './fleet';
import { ModelNode } from './model-node';

/** The model's fleet as the last check sees it; searches go to this pod. */
export function checkedFleet(fleet: ModelFleet, pod: ModelPod): CheckedFleet {
  const { world, nodes } = fleet;
  return {
    nodes,
    random: world.random,
    load: () => fleet.store.fleet.load(),
    pods: () =>
      Promise.resolve(
        [...fleet.pods.values()].map(({ name, ctx }) => ({
          name,
          epoch: ctx.fleet.current().epoch,
        })),
      ),
    search: (spec) =>
      world
        .as(pod.name, () => search(pod.ctx, spec))
        .then(
          (result): JsonValue => result.body,
          (error: unknown) => bodyOf(error),
        ),
    alone: async (name): Promise<CheckedNode> => {
      const node = new ModelNode(world, name, 'key');
      await node.start();
      return {
        id: name,
        ask: (...asked) => world.as(node.owner, () => Promise.resolve(node.ask(...asked))),
      };
    },
    pause: (ms) => world.sleep(ms),
  };
}

function bodyOf(error: unknown): JsonValue {
  if (!isMeiliError(error)) throw error;
  return error.toBody() as unknown as JsonValue;
}
