import type { ArchiveSchedule } from '../../core/archives/types';
import type { Records } from '../record-types';
import { createRecordStore } from './record-store';
import type { RecordParts } from './record-store';

/** Kind `archive-schedule`: what operators said of the schedules of backups and drills. */
export const createArchiveScheduleStore = (parts: RecordParts): Records<ArchiveSchedule> =>
  createRecordStore(parts, { kind: 'archive-schedule', idOf: ({ name }) => name });
