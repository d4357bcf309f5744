import { fleetForTest } from '../api/support';
import type { FleetForTest, Json, PodForTest } from '../api/support';

export interface ShopKey {
  readonly key: string;
  readonly uid: string;
}

/** A pod before three nodes with indexes of two owners, and keys for them. */
export interface Shop {
  readonly fleet: FleetForTest;
  readonly pod: PodForTest;
  /** May do all, on `products*` only. */
  readonly scoped: ShopKey;
  /** May do all, everywhere. */
  readonly admin: ShopKey;
  newKey(body: object): Promise<ShopKey>;
  as(bearer: string, method: string, path: string, body?: unknown): Promise<Json>;
}

export async function shopForTest(): Promise<Shop> {
  const fleet = await fleetForTest();
  const pod = await fleet.pod();
  for (const uid of ['products_v1', 'products_v2', 'secrets']) {
    await pod.write('POST', '/indexes', { uid, primaryKey: 'id' });
    await pod.write('PATCH', `/indexes/${uid}/settings`, {
      filterableAttributes: ['tenant', 'color'],
    });
    await pod.write('POST', `/indexes/${uid}/documents`, [
      { id: 1, tenant: 'acme', color: 'red', title: 'acme one' },
      { id: 2, tenant: 'acme', color: 'blue', title: 'acme two' },
      { id: 3, tenant: 'rival', color: 'red', title: 'rival three' },
    ]);
  }
  const newKey: Shop['newKey'] = async (body) => {
    const answer = await pod.send('POST', '/keys', { expiresAt: null, ...body });
    return { key: String(answer.body['key']), uid: String(answer.body['uid']) };
  };
  return {
    fleet,
    pod,
    scoped: await newKey({ actions: ['*'], indexes: ['products*'] }),
    admin: await newKey({ actions: ['*'], indexes: ['*'] }),
    newKey,
    as: async (bearer, method, path, body) =>
      await pod.send(method, path, body, { authorization: `Bearer ${bearer}` }),
  };
}
