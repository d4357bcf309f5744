import type { AntiEntropyReport } from '../../core/anti-entropy';
import type { Records } from '../record-types';
import { createRecordStore } from './record-store';
import type { RecordParts } from './record-store';

const keptMs = 90 * 24 * 3_600_000;
const reportsMax = 50;

/** Kind `anti-entropy-report`: what each run found, for three months and of the newest runs. */
export function createAntiEntropyReportStore(parts: RecordParts): Records<AntiEntropyReport> {
  return createRecordStore(parts, {
    kind: 'anti-entropy-report',
    idOf: ({ id }) => id,
    expiresAt: ({ startedAt }) => Date.parse(startedAt) + keptMs,
    max: reportsMax,
  });
}
