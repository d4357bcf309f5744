import type { Story } from './types';

/** Runs that shrinking may take; each is a whole run of the model. */
const runsMax = 120;

/**
 * A smaller story that still fails: acts and steps are left out, in halves and then one by one, for as
 * long as `fails` says so. Chance differs in the smaller story, so another violation may take over.
 */
export async function shrunk(
  story: Story,
  fails: (smaller: Story) => Promise<boolean>,
): Promise<Story> {
  let runs = 0;
  let best = story;
  const lists = 1 + story.clients.length;
  for (let list = 0; list < lists; list += 1) {
    for (let size = Math.ceil(lengthOf(best, list) / 2); size >= 1; size = Math.floor(size / 2)) {
      for (let at = 0; at < lengthOf(best, list) && runs < runsMax;) {
        const smaller = without(best, list, { at, size });
        runs += 1;
        if (await fails(smaller)) best = smaller;
        else at += size;
      }
    }
  }
  return best;
}

/** List 0 are the acts, the others the clients. */
function lengthOf({ acts, clients }: Story, list: number): number {
  return list === 0 ? acts.length : (clients[list - 1]?.length ?? 0);
}

function without(story: Story, list: number, { at, size }: { at: number; size: number }): Story {
  const cut = <T>(items: readonly T[]): T[] => items.filter((_, i) => i < at || i >= at + size);
  if (list === 0) return { ...story, acts: cut(story.acts) };
  const clients = story.clients.map((steps, i) => (i === list - 1 ? cut(steps) : steps));
  return { ...story, clients };
}
