import { createHash } from 'node:crypto';
import type { Tenant, TenantStore } from '../record-types';
import { createRecordStore } from './record-store';
import type { RecordParts } from './record-store';

/** Hex, as `Tenant.keyHash` has it. */
export function tenantKeyHash(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/** Kind `tenant`: by the sha256 of its key; whoever reads Redis learns no key. */
export function createTenantStore(parts: RecordParts): TenantStore {
  const records = createRecordStore<Tenant>(parts, {
    kind: 'tenant',
    idOf: (tenant) => tenant.keyHash,
  });
  return { ...records, byKey: async (key) => records.get(tenantKeyHash(key)) };
}
