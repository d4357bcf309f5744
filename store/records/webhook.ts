import type { Records, Webhook } from '../record-types';
import { createRecordStore } from './record-store';
import type { RecordParts } from './record-store';

/** Kind `webhook`: who is told of finished tasks, by uuid. */
export function createWebhookStore(parts: RecordParts): Records<Webhook> {
  return createRecordStore(parts, { kind: 'webhook', idOf: (webhook) => webhook.uuid });
}
