import type { ActivityTools } from '../../activities/tools';
import type { Nodes } from '../../meili/types';
import type { Store } from '../../store/types';
import type { Tamper } from './fleet/node-network';

/** A way to break the product from outside, to see that the checker notices. */
export interface Mutation {
  readonly name: string;
  readonly wrapStore?: (store: Store) => Store;
  readonly wrapNodes?: (nodes: Nodes) => Nodes;
  readonly wrapTools?: (tools: ActivityTools) => ActivityTools;
  readonly tamper?: Tamper;
  readonly script?: (name: string, lua: string) => string;
}
