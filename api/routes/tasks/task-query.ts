import type { ErrorCode } from '../../../core/errors';
import { MeiliError } from '../../../core/errors';
import type { IndexUid } from '../../../core/ids';
import { fleetTaskUid } from '../../../core/ids';
import { fleetTaskTypes, nodeTaskStatuses } from '../../../store/task-types';
import type { FleetTaskStatus, FleetTaskType, TaskFilter } from '../../../store/task-types';
import { demandKnown, queryOf, readCount } from '../../http/page';
import { invalidIndexUid, isIndexUid } from '../../writes/operations/common';
import type { TaskSight } from './task-sight';

const dateFilters = [
  'afterEnqueuedAt',
  'beforeEnqueuedAt',
  'afterStartedAt',
  'beforeStartedAt',
  'afterFinishedAt',
  'beforeFinishedAt',
] as const;
type DateFilter = (typeof dateFilters)[number];

/** In the order in which the engine lists them when another parameter comes. */
const filterNames = [
  ...['uids', 'batchUids', 'canceledBy', 'types', 'statuses', 'indexUids'],
  ...dateFilters,
];
const pageNames = ['limit', 'from', 'reverse', 'batchUids', 'uids', 'canceledBy', 'types'];
const listNames = [...pageNames, 'statuses', 'indexUids', ...dateFilters];

const statuses: readonly FleetTaskStatus[] = nodeTaskStatuses;
const types: readonly string[] = fleetTaskTypes;

export interface TaskQuery {
  readonly limit: number;
  readonly from: number | null;
  readonly reverse: boolean;
  readonly filter: TaskFilter;
}

type Parameters = ReadonlyMap<string, string>;

/** The query string of `GET /tasks` and `GET /batches`. Throws Meilisearch's errors. */
export function readTaskQuery(query: unknown, sight: TaskSight): TaskQuery {
  const parameters = queryOf(query);
  demandKnown(parameters, listNames);
  const limit = readCount(parameters, 'limit', { otherwise: 20, code: 'invalid_task_limit' });
  const from = parameters.has('from')
    ? readCount(parameters, 'from', { otherwise: 0, code: 'invalid_task_from' })
    : null;
  return { limit, from, reverse: readReverse(parameters), filter: readFilter(parameters, sight) };
}

/** The filters of a cancelation or deletion: at least one must be there, though `*` counts as one. */
export function readTaskFilters(
  query: unknown,
  sight: TaskSight,
  verb: 'cancel' | 'delete',
): TaskFilter {
  const parameters = queryOf(query);
  demandKnown(parameters, filterNames);
  if (parameters.size === 0) {
    throw new MeiliError(
      'missing_task_filters',
      `Query parameters to filter the tasks to ${verb} are missing. Available query parameters are: \`uids\`, \`indexUids\`, \`statuses\`, \`types\`, \`canceledBy\`, \`beforeEnqueuedAt\`, \`afterEnqueuedAt\`, \`beforeStartedAt\`, \`afterStartedAt\`, \`beforeFinishedAt\`, \`afterFinishedAt\`.`,
    );
  }
  return readFilter(parameters, sight);
}

/** `?uids=0,1` as the task's details show it. */
export function originalFilter(url: string): string {
  const at = url.indexOf('?');
  return at < 0 ? '' : url.slice(at);
}

function readFilter(parameters: Parameters, sight: TaskSight): TaskFilter {
  const uids = readUids(parameters, 'uids', 'invalid_task_uids');
  const batchUids = readUids(parameters, 'batchUids', 'invalid_batch_uids');
  const canceledBy = readUids(parameters, 'canceledBy', 'invalid_task_canceled_by');
  const wantedStatuses = readNames(parameters, 'statuses', statuses, 'status');
  const wantedTypes = readNames(parameters, 'types', types, 'type');
  const indexUids = readIndexUids(parameters, sight);
  return {
    ...(uids === null ? {} : { uids: uids.map(fleetTaskUid) }),
    ...(batchUids === null ? {} : { batchUids }),
    ...(canceledBy === null ? {} : { canceledBy: canceledBy.map(fleetTaskUid) }),
    ...(wantedStatuses === null ? {} : { statuses: wantedStatuses as FleetTaskStatus[] }),
    ...(wantedTypes === null ? {} : { types: wantedTypes as FleetTaskType[] }),
    ...(indexUids === null ? {} : { indexUids }),
    ...readDates(parameters),
  };
}

function listOf(parameters: Parameters, name: string): string[] | null {
  const text = parameters.get(name);
  return text === undefined || text === '*' ? null : text.split(',');
}

function readUids(parameters: Parameters, name: string, code: ErrorCode): number[] | null {
  const items = listOf(parameters, name);
  if (items === null) return null;
  return items.map((item, at) => {
    if (/^\+?\d+$/.test(item) && Number(item) <= 0xffff_ffff) return Number(item);
    const where = items.length === 1 ? name : `${name}[${at}]`;
    throw new MeiliError(
      code,
      `Invalid value in parameter \`${where}\`: could not parse \`${item}\` as a positive integer`,
    );
  });
}

function readNames(
  parameters: Parameters,
  name: 'statuses' | 'types',
  known: readonly string[],
  what: 'status' | 'type',
): string[] | null {
  const items = listOf(parameters, name);
  if (items === null) return null;
  return items.map((item, at) => {
    const match = known.find((one) => one.toLowerCase() === item.toLowerCase());
    if (match !== undefined) return match;
    const where = items.length === 1 ? name : `${name}[${at}]`;
    const list = known.map((one) => `\`${one}\``).join(', ');
    throw new MeiliError(
      name === 'statuses' ? 'invalid_task_statuses' : 'invalid_task_types',
      `Invalid value in parameter \`${where}\`: \`${item}\` is not a valid task ${what}. Available ${name} are ${list}.`,
    );
  });
}

/** A key that is limited to patterns finds tasks by just the names that match them. */
function readIndexUids(parameters: Parameters, sight: TaskSight): IndexUid[] | null {
  const items = listOf(parameters, 'indexUids');
  if (items === null) return null;
  return items.flatMap((item, at) => {
    if (isIndexUid(item)) return sight.meant(item);
    const where = items.length === 1 ? 'indexUids' : `indexUids[${at}]`;
    throw invalidIndexUid(item, `Invalid value in parameter \`${where}\`: `);
  });
}

function readReverse(parameters: Parameters): boolean {
  const text = parameters.get('reverse');
  if (text === undefined) return false;
  if (text === 'true' || text === 'false') return text === 'true';
  throw new MeiliError(
    'invalid_task_reverse',
    `Invalid value in parameter \`reverse\`: could not parse \`${text}\` as a boolean, expected either \`true\` or \`false\``,
  );
}

const dateCodes: Record<DateFilter, ErrorCode> = {
  afterEnqueuedAt: 'invalid_task_after_enqueued_at',
  beforeEnqueuedAt: 'invalid_task_before_enqueued_at',
  afterStartedAt: 'invalid_task_after_started_at',
  beforeStartedAt: 'invalid_task_before_started_at',
  afterFinishedAt: 'invalid_task_after_finished_at',
  beforeFinishedAt: 'invalid_task_before_finished_at',
};

const dayMs = 86_400_000;

function readDates(parameters: Parameters): Partial<Record<DateFilter, number>> {
  const dates: Partial<Record<DateFilter, number>> = {};
  for (const name of dateFilters) {
    const text = parameters.get(name);
    if (text === undefined || text === '*') continue;
    const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
    const isTime = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/.test(
      text,
    );
    const millis = isDay ? Date.parse(`${text}T00:00:00Z`) : isTime ? Date.parse(text) : Number.NaN;
    if (Number.isNaN(millis)) {
      throw new MeiliError(
        dateCodes[name],
        `Invalid value in parameter \`${name}\`: \`${text}\` is an invalid date-time. It should follow the YYYY-MM-DD or RFC 3339 date-time format.`,
      );
    }
    // A whole day after which something is to be: from the next day on, its first instant included.
    dates[name] = isDay && name.startsWith('after') ? millis + dayMs - 1 : millis;
  }
  return dates;
}
