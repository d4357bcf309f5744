import type { NodeTaskUid, PhysicalUid } from '../../core/ids';
import type { NodeClient } from '../../meili/types';

/** `customMetadata` of a node task that carries a client's write. */
export function writeMetadata(taskUid: number): string {
  return `m${taskUid}`;
}

const pageSize = 100;
/** Writes of the index that are younger than the one looked for: copies may add many. */
const pagesMax = 20;

/**
 * The node task of this index that carries `customMetadata`, or null. Of several (a write that was
 * sent again) the newest. Throws the client's NodeError when the node does not answer.
 */
export async function findSent(
  client: NodeClient,
  uid: PhysicalUid,
  customMetadata: string,
): Promise<NodeTaskUid | null> {
  let from: number | null = null;
  for (let page = 0; page < pagesMax; page += 1) {
    const listed: Awaited<ReturnType<NodeClient['tasks']>> = await client.tasks({
      indexUids: [uid],
      limit: pageSize,
      ...(from === null ? {} : { from }),
    });
    const found = listed.results.find((task) => task.customMetadata === customMetadata);
    if (found !== undefined) return found.uid;
    if (listed.next === null) return null;
    from = listed.next;
  }
  return null;
}
