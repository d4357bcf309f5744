/**
 * Goal: a search that a node refused, and whose reason nobody hears any more because the node went away,
 * is answered with an error that the docs name.
 * Method: a client of a node whose connection breaks when it is asked again. A story of the model (seed
 * 116) showed it: the search was answered with 500.
 */
import type { ApiContext } from '../../../api/context';
import { refusalOf } from '../../../api/search/answers';
import type { PartAnswer } from '../../../api/search/part-answer';
import type { IndexEntry } from '../../../core/fleet';
import { NodeError } from '../../../meili/node-error';

test('a node that goes away before it says why it refused', async () => {
  const request = (): Promise<never> =>
    Promise.reject(new NodeError('node_unreachable', 'lost', { outcomeUnknown: true }));
  const ctx = {
    config: { nodes: { deadlineMs: 100 } },
    fleet: { node: (id: string) => ({ id }) },
    nodes: { client: () => ({ request }) },
  } as unknown as ApiContext;
  const entry = { uid: 'films', physicalUid: 'films-1', settings: {} } as unknown as IndexEntry;
  const refused = { node: 'a', answer: { status: 400 } } as unknown as PartAnswer;
  const error = await refusalOf(ctx, refused, { entry, route: 'search', body: {} });
  expect(error).toMatchObject({ code: 'miroir_shard_unavailable' });
});
