import type { NodeDiskStore } from './node-disks';
import type { NodeMarkStore } from './node-marks';

/** What is remembered of each node itself. */
export interface NodeStores {
  readonly nodeMarks: NodeMarkStore;
  readonly nodeDisks: NodeDiskStore;
}
