import { fleetTaskTypes, nodeTaskStatuses } from './task-types';
import type { FleetTask, FleetTaskStatus, FleetTaskType, TaskFilter } from './task-types';

/** Ordinals in these lists are stored: new names go to the end. */
const statuses: readonly FleetTaskStatus[] = ['enqueuing', ...nodeTaskStatuses];
const types: readonly FleetTaskType[] = fleetTaskTypes;
const finalStatuses: ReadonlySet<FleetTaskStatus> = new Set(['succeeded', 'failed', 'canceled']);

export function isFinal(status: FleetTaskStatus): boolean {
  return finalStatuses.has(status);
}

/** `status;type;enqueued;started;finished;canceledBy;batch;index,index`: what filters look at. */
export function encodeSummary(task: Omit<FleetTask, 'uid'>): string {
  const indexes = [task.indexUid, ...otherIndexes(task)].filter((uid) => uid !== null);
  return [
    statuses.indexOf(task.status),
    types.indexOf(task.type),
    millis(task.enqueuedAt),
    millis(task.startedAt),
    millis(task.finishedAt),
    task.canceledBy ?? '',
    task.batchUid ?? '',
    [...new Set(indexes)].join(','),
  ].join(';');
}

function otherIndexes({ extra }: Omit<FleetTask, 'uid'>): string[] {
  const uids = extra['indexUids'];
  return Array.isArray(uids) ? uids.filter((uid) => typeof uid === 'string') : [];
}

function millis(time: string | null): number | '' {
  return time === null ? '' : Date.parse(time);
}

/** The filter as a question about one summary. Uids are not in it: the caller selects by them. */
export function summaryMatcher(filter: TaskFilter): (summary: string) => boolean {
  const wanted = {
    statuses: ordinals(widenEnqueued(filter.statuses), statuses),
    types: ordinals(filter.types, types),
    canceledBy: texts(filter.canceledBy),
    batchUids: texts(filter.batchUids),
    indexUids: texts(filter.indexUids),
  };
  return (summary) => {
    const [status, type, enqueued, started, finished, canceledBy, batch, indexes] =
      summary.split(';');
    return (
      has(wanted.statuses, status) &&
      has(wanted.types, type) &&
      has(wanted.canceledBy, canceledBy) &&
      has(wanted.batchUids, batch) &&
      (wanted.indexUids === null ||
        (indexes ?? '').split(',').some((uid) => uid !== '' && has(wanted.indexUids, uid))) &&
      within(enqueued, filter.afterEnqueuedAt, filter.beforeEnqueuedAt) &&
      within(started, filter.afterStartedAt, filter.beforeStartedAt) &&
      within(finished, filter.afterFinishedAt, filter.beforeFinishedAt)
    );
  };
}

/** True when only tasks without a final status can match. */
export function matchesOpenOnly(filter: TaskFilter): boolean {
  return filter.statuses !== undefined && !filter.statuses.some(isFinal);
}

function widenEnqueued(
  wanted: readonly FleetTaskStatus[] | undefined,
): readonly FleetTaskStatus[] | undefined {
  return wanted?.includes('enqueued') === true ? [...wanted, 'enqueuing'] : wanted;
}

function ordinals<T>(wanted: readonly T[] | undefined, all: readonly T[]): Set<string> | null {
  return wanted === undefined ? null : new Set(wanted.map((name) => String(all.indexOf(name))));
}

function texts(wanted: readonly (string | number)[] | undefined): Set<string> | null {
  return wanted === undefined ? null : new Set(wanted.map(String));
}

function has(wanted: Set<string> | null, value: string | undefined): boolean {
  return wanted === null || wanted.has(value ?? '');
}

/** A time that is not there yet is within no bound. */
function within(time: string | undefined, after?: number, before?: number): boolean {
  if (after === undefined && before === undefined) return true;
  if (time === undefined || time === '') return false;
  return (
    (after === undefined || Number(time) > after) && (before === undefined || Number(time) < before)
  );
}
