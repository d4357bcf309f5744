import type { NodeAsk } from '../../core/covering-set';
import type { NodeId } from '../../core/ids';
import type { RawAnswer } from '../../meili/types';

/** One node's answer to its part of a read. */
export interface PartAnswer {
  readonly node: NodeId;
  readonly ask: NodeAsk;
  readonly answer: RawAnswer;
}
