import type { ApiContext } from '../context';

/** What following tasks needs of a pod. */
export type FollowerContext = Pick<
  ApiContext,
  | 'store'
  | 'fleet'
  | 'nodes'
  | 'pod'
  | 'log'
  | 'health'
  | 'identities'
  | 'disks'
  | 'webhooks'
  | 'temporal'
  | 'taskRuns'
>;
