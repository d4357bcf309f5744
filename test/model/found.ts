import type { Sizes } from './story/generate';
import { defaultSizes } from './story/generate';

/** A bug that the model found, and the story that found it. */
export interface Found {
  readonly seed: number;
  readonly sizes: Sizes;
  /** The mutation whose acts take the place of the seed's own; null: the seed's. */
  readonly provoked: string | null;
  readonly wrong: string;
}

const many: Sizes = { ...defaultSizes, acts: 12 };
const plain = { sizes: defaultSizes, provoked: null };

/** The most interesting ones. The table of all, with the tests they left, is in `README.md`. */
export const found: readonly Found[] = [
  {
    ...{ ...plain, seed: 16 },
    wrong: 'a write was acknowledged that only a copy had which had begun to leave meanwhile',
  },
  {
    ...{ ...plain, seed: 5, provoked: 'commit-over-settled' },
    wrong: 'a swap renamed a task that was not committed yet, and so wrote over its commit',
  },
  {
    ...{ ...plain, seed: 6 },
    wrong: 'the clean-up of the last in-sync copy held the group that the repair of others needed',
  },
  {
    ...{ ...plain, seed: 116 },
    wrong: 'a search was answered with 500 when the node that had refused it went away',
  },
  {
    ...{ ...plain, seed: 32 },
    wrong: 'a sync whose source missed a write tried to join for ever and held its group',
  },
  {
    ...{ ...plain, seed: 65 },
    wrong: 'a begin that may have happened was not repeated, and later writes went past it',
  },
  {
    ...{ ...plain, seed: 305 },
    wrong: 'a clean-up deleted the empty index that another sync had just made on the node',
  },
  {
    ...{ ...plain, seed: 20_009, sizes: many },
    wrong: 'two operations waited for each other: one had the groups and its answer was lost',
  },
  {
    ...{ ...plain, seed: 20_048, sizes: many },
    wrong: 'a write succeeded by its only copy that was not read, and the repair lost it',
  },
  {
    ...{ ...plain, seed: 50_466 },
    wrong: 'nodes kept the settings of a write that had failed, and nothing took them back',
  },
  {
    ...{ ...plain, seed: 101_587, sizes: { steps: 70, acts: 7 } },
    wrong: 'a cancel behind the cut over left the syncs paused that its operation had paused',
  },
  {
    ...{ ...plain, seed: 500_043, sizes: { steps: 70, acts: 7 } },
    wrong: 'a worker that stood still opened the copy of a sync that had been cancelled meanwhile',
  },
  {
    ...{ ...plain, seed: 600_984, sizes: { steps: 70, acts: 7 } },
    wrong:
      'a task had the number of another one on a node whose disk was rolled back, and never ended',
  },
  {
    ...{ ...plain, seed: 920_920 },
    wrong: 'a copy was made of a source that had failed a deletion before any pod had looked at it',
  },
  {
    ...{ ...plain, seed: 920_897 },
    wrong: 'a search showed what a node said whose disk was found to be an old one meanwhile',
  },
  {
    ...{ ...plain, seed: 931_988 },
    wrong: 'an operation held one group and waited for another one, whose holder waited for it',
  },
  {
    ...{ ...plain, seed: 951_302 },
    wrong:
      'an acknowledged write ended as interrupted: its node had left before anybody read its task',
  },
];
