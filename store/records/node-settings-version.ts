import type { NodeId, PhysicalUid } from '../../core/ids';
import type { NodeSettingsVersion, NodeSettingsVersionStore } from '../record-types';
import { parsed } from '../script';
import { createRecordStore } from './record-store';
import type { RecordParts } from './record-store';

/** Neither a physical uid nor a node id has a `/`. */
export function nodeSettingsVersionId(physicalUid: PhysicalUid, node: NodeId): string {
  return `${physicalUid}/${node}`;
}

/** Kind `node-settings-version`: by `<physical uid>/<node>`. */
export function createNodeSettingsVersionStore(parts: RecordParts): NodeSettingsVersionStore {
  const { redis, keys } = parts;
  const records = createRecordStore<NodeSettingsVersion>(parts, {
    kind: 'node-settings-version',
    idOf: ({ physicalUid, node }) => nodeSettingsVersionId(physicalUid, node),
  });
  return {
    ...records,
    of: async (physicalUid, node) => records.get(nodeSettingsVersionId(physicalUid, node)),
    async ofIndex(physicalUid) {
      // All members have score 0, so they stand in the order of their bytes; `0` follows `/`.
      const ids = await redis.zrangebylex(
        keys.recordIndex('node-settings-version'),
        `[${physicalUid}/`,
        `(${physicalUid}0`,
      );
      if (ids.length === 0) return [];
      const values = await redis.mget(...ids.map((id) => keys.record('node-settings-version', id)));
      return values.flatMap((value) =>
        value === null ? [] : [parsed<NodeSettingsVersion>(value)],
      );
    },
  };
}
