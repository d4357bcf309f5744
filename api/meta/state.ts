import type { Fleet } from '../../core/fleet';
import type { Records } from '../../store/record-types';
import type { Store } from '../../store/types';

/** The kinds of records that operators and clients made, and that nothing else can give back. */
export const keptKinds = [
  'apiKeys',
  'webhooks',
  'experimentalFeatures',
  'rolloverPolicies',
  'canaries',
  'archiveSchedules',
  'tenants',
  'searchUiConfigs',
] as const;
export type KeptKind = (typeof keptKinds)[number];

/** How each kind names its records. */
export const idOfKind: { readonly [K in KeptKind]: (record: never) => string } = {
  apiKeys: ({ uid }: { uid: string }) => uid,
  webhooks: ({ uuid }: { uuid: string }) => uuid,
  experimentalFeatures: ({ name }: { name: string }) => name,
  rolloverPolicies: ({ name }: { name: string }) => name,
  canaries: ({ id }: { id: string }) => id,
  archiveSchedules: ({ name }: { name: string }) => name,
  tenants: ({ keyHash }: { keyHash: string }) => keyHash,
  searchUiConfigs: ({ index }: { index: string }) => index,
};

/** Everything that is needed to make a lost Redis again. Tasks, sessions and journals are not in it. */
export interface MetaState {
  readonly format: 1;
  readonly fleet: Fleet;
  /** A state of an older build lacks the kinds that were not there yet. */
  readonly records: { readonly [K in KeptKind]?: readonly object[] };
  readonly nextTaskUid: number;
}

const pageRecords = 500;

export async function collectState(store: Store): Promise<MetaState> {
  const fleet = await store.fleet.load();
  const lists = await Promise.all(
    keptKinds.map(async (kind) => [kind, await everything(store[kind])] as const),
  );
  const last = await store.tasks.lastUid();
  return {
    format: 1,
    fleet,
    records: Object.fromEntries(lists) as unknown as MetaState['records'],
    nextTaskUid: last === null ? 0 : last + 1,
  };
}

export async function everything(records: Pick<Records<object>, 'list'>): Promise<object[]> {
  const found: object[] = [];
  for (;;) {
    const page = await records.list({ offset: found.length, limit: pageRecords });
    found.push(...page);
    if (page.length < pageRecords) return found;
  }
}
