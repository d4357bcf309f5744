import type { ApiClient } from '../../cli/client';

const canary = {
  ...{ index: 'films', query: { q: 'alien' }, intervalMs: 3_600_000 },
  assertions: [{ type: 'min_hits', value: 1 }],
};
const rollover = {
  ...{ enabled: false, write_alias: 'logs', read_alias: 'logs-read', pattern: 'logs-{000001}' },
  ...{ triggers: { max_docs: 1_000 }, retention: { keep_indexes: 3 } },
};

/** The canaries and the rollover policy that a backup holds. */
export async function makeRecords(api: ApiClient): Promise<void> {
  await api.put('/_miroir/canaries/top', canary);
  await api.put('/_miroir/canaries/kept', canary);
  await api.put('/_miroir/rollover-policies/films', rollover);
}

/** One that the fleet has before the backup is restored into it. */
export async function makeOwnRecord(api: ApiClient): Promise<void> {
  await api.put('/_miroir/canaries/kept', { ...canary, query: { q: 'own' } });
}

/** What was there is as it was, what was not is made, and what was paused is paused. */
export async function expectRecords(api: ApiClient): Promise<void> {
  const { results } = await api.get<{ results: object[] }>('/_miroir/canaries');
  expect(results).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ id: 'kept', query: { q: 'own' } }),
      expect.objectContaining({ id: 'top', query: canary.query }),
    ]),
  );
  expect(await api.get('/_miroir/rollover-policies/films')).toMatchObject({
    ...{ enabled: false, writeAlias: 'logs', readAlias: 'logs-read' },
    ...{ pattern: rollover.pattern, triggers: rollover.triggers },
  });
}
