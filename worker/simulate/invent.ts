import type { Fleet, FleetNode } from '../../core/fleet';
import { epoch, groupId, indexUid, nodeId, physicalUid } from '../../core/ids';
import { place } from '../../core/placement';
import type { InventedFleet, SimulationInput, SimulationRequest } from './input';

const created = '2026-01-01T00:00:00Z';

/** Throws where the request names no fleet, or an index that is not there. */
export function inputOf({ running, invented, ...rest }: SimulationRequest): SimulationInput {
  if (running !== undefined) return { ...rest, ...running };
  if (invented === undefined) throw new Error('Neither a running nor an invented fleet was given.');
  return { ...rest, ...inventedFleet(invented) };
}

/** `meili-0` … in groups of equal size, and the index `documents`, physical uid `documents-1`. */
function inventedFleet(asked: InventedFleet): Pick<SimulationInput, 'fleet' | 'sizes'> {
  const { replicationFactor, shards: shardCount, documents, bytesEach } = asked;
  const groups = Array.from({ length: asked.groups }, (_, at) => groupId(at));
  const nodes = groups.flatMap((group) =>
    Array.from({ length: asked.nodes }, (_, at): FleetNode => {
      const id = nodeId(`meili-${String(group * asked.nodes + at)}`);
      return {
        ...{ id, url: `http://${id}.invalid`, group, zone: null, weight: 1 },
        ...{ intent: 'active', instanceId: null },
      };
    }),
  );
  const uid = physicalUid('documents-1');
  const { placement } = place({
    ...{ nodes, groups, shardCount, replicationFactor, present: null, seed: uid },
  });
  const fleet: Fleet = {
    ...{ epoch: epoch(1), nodes, aliases: [] },
    indexes: [
      {
        ...{ uid: indexUid('documents'), physicalUid: uid, primaryKey: 'id' },
        ...{ createdAt: created, updatedAt: created, settings: {}, settingsVersion: 1 },
        ...{ shardCount, replicationFactor, placement },
      },
    ],
  };
  return { fleet, sizes: { [uid]: { documents, bytesEach } } };
}
