/** Work at one time of one request: a long list must not take every connection to the nodes. */
const parallelMax = 8;

/** Does the work for each item, some at a time; throws the error of the first item that failed. */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let at = 0; at < items.length; at += parallelMax) {
    const settled = await Promise.allSettled(items.slice(at, at + parallelMax).map(work));
    for (const outcome of settled) {
      if (outcome.status === 'rejected') throw outcome.reason;
      results.push(outcome.value);
    }
  }
  return results;
}
