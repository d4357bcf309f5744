import type { Mutation } from './mutations';
import { generateStory } from './story/generate';
import type { Sizes } from './story/generate';
import { runStory } from './run';

export interface Caught {
  readonly seed: number;
  readonly violation: string;
}

/** The first seed with which the checker notices; null when none of them does. */
export async function firstCaught(
  mutation: Mutation,
  seeds: Iterable<number>,
  sizes?: Sizes,
): Promise<Caught | null> {
  for (const seed of seeds) {
    const story = generateStory(seed, sizes);
    const { violations } = await runStory(mutation.provoke?.(story) ?? story, { mutation });
    const [violation] = violations;
    if (violation !== undefined) return { seed, violation };
  }
  return null;
}

/** `count` seeds from `from` on. */
export function* seedsFrom(from: number, count: number): Iterable<number> {
  for (let seed = from; seed < from + count; seed += 1) yield seed;
}
