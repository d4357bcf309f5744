/**
 * Goal: a copy survives lost answers, deaf and full nodes without doubling or losing anything.
 * Method: embedded nodes with faults on demand.
 */
import { waitFor } from '../support/wait-for';
import { products, documentsOf, startFleet } from './fleet-for-test';
import type { TestFleet } from './fleet-for-test';

describe('a copy with faults', () => {
  let fleet: TestFleet;

  beforeEach(async () => {
    fleet = await startFleet(2, { overrides: { nodeDeadlineMs: 400 } });
    await fleet.write(documentsOf(0, 200));
    const { epoch } = await fleet.run('openTarget', fleet.ref());
    await fleet.run('passBarrier', { epoch, operation: 'sync/test' });
  });

  afterEach(() => fleet.close());

  const faults = () => {
    const found = fleet.nodes[1]?.faults;
    if (found === null || found === undefined) throw new Error('no faults');
    return found;
  };
  const copy = (attempt: object = {}) =>
    fleet.run('copyRanges', { ref: fleet.ref(), cursor: null }, attempt);
  const additions = async (): Promise<number> =>
    (await fleet.client(1).tasks({ indexUids: [products], types: ['documentAdditionOrUpdate'] }))
      .total;
  const equal = async (): Promise<void> => {
    expect(await fleet.documents(1, [0, 3])).toEqual(await fleet.documents(0, [0, 3]));
  };

  test.each(['drop', 'hang'] as const)(
    'a task whose answer is lost (%s) is adopted',
    async (kind) => {
      faults().add({
        method: 'POST',
        path: '/documents\\?',
        count: 1,
        action: { kind, when: 'after' },
      });
      const result = await copy();
      expect(result.outcome).toBe('done');
      await equal();
      // Nothing was sent twice: as many tasks as without the fault.
      const sent = await additions();
      await fleet.run('catchUpRound', fleet.ref());
      expect(await additions()).toBe(sent);
      expect(result.cursor.sent).toBe((await fleet.documents(0, [0, 3])).size);
    },
  );

  test('a request that never arrived makes the attempt end, and the next one does the range again', async () => {
    faults().add({
      method: 'POST',
      path: '/documents\\?',
      count: 1,
      action: { kind: 'drop', when: 'before' },
    });
    await expect(copy()).rejects.toMatchObject({ type: 'send-lost', nonRetryable: false });
    expect((await copy({ attempt: 2 })).outcome).toBe('done');
    await equal();
  });

  test('a node that is away is tried again', async () => {
    faults().add({ path: '/documents/fetch', count: 1, action: { kind: 'error', status: 500 } });
    await expect(copy()).rejects.toMatchObject({ nonRetryable: false });
    expect((await copy({ attempt: 2 })).outcome).toBe('done');
    await equal();
  });

  test('a full disk is final', async () => {
    faults().add({ path: '/documents', action: { kind: 'diskFull' } });
    await expect(copy()).rejects.toMatchObject({ type: 'disk-full', nonRetryable: true });
  });

  test('a new attempt waits until the target has worked off what an older one sent', async () => {
    faults().add({ action: { kind: 'holdTasks' } });
    const stale = new TextEncoder().encode(
      JSON.stringify(
        [...(await fleet.documents(0, [0])).values()].map((d) => ({ ...d, title: 'old' })),
      ),
    );
    await fleet.client(1).addDocuments(products, 'POST', stale);
    const sleeps = jest.spyOn(fleet.tools.clock, 'sleep');
    const fetches = jest.spyOn(fleet.client(1), 'fetchDocuments');
    const running = copy({ attempt: 2 });
    await waitFor(() => sleeps.mock.calls.length > 6, { what: 'the attempt to look at the queue' });
    expect(fetches).not.toHaveBeenCalled();
    faults().clear();
    await running;
    await equal();
  });
});
