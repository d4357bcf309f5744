/** Routes of tasks: listing, reading, cancelling and forgetting. */
import { stringifyJson } from '../engine/json';
import { ApiError, featureNotEnabled } from '../errors';
import { ok } from '../http/answer';
import type { Answer } from '../http/answer';
import type { NodeRequest } from '../http/request';
import { readQuery } from '../http/query';
import type { QueryReader } from '../http/query';
import type { Router } from '../http/router';
import type { EmbeddedNode } from '../node';
import { shownTask, summary } from '../tasks/describe';
import { TASK_STATUSES, TASK_TYPES } from '../tasks/types';
import type { Task } from '../tasks/types';

const DATES = {
  afterEnqueuedAt: 'invalid_task_after_enqueued_at',
  beforeEnqueuedAt: 'invalid_task_before_enqueued_at',
  afterStartedAt: 'invalid_task_after_started_at',
  beforeStartedAt: 'invalid_task_before_started_at',
  afterFinishedAt: 'invalid_task_after_finished_at',
  beforeFinishedAt: 'invalid_task_before_finished_at',
} as const;

const FILTERS = {
  uids: 'invalid_task_uids',
  batchUids: 'invalid_batch_uids',
  canceledBy: 'invalid_task_canceled_by',
  types: 'invalid_task_types',
  statuses: 'invalid_task_statuses',
  indexUids: 'invalid_index_uid',
  ...DATES,
};

const LIST = {
  limit: 'invalid_task_limit',
  from: 'invalid_task_from',
  reverse: 'invalid_task_reverse',
  ...FILTERS,
};

type Test = (task: Task) => boolean;

function readWords(
  query: QueryReader,
  name: 'types' | 'statuses',
  known: readonly string[],
): string[] | null {
  const words = query.list(name);
  if (words === null || words.includes('*')) return null;
  return words.map((word) => {
    const found = known.find((candidate) => candidate.toLowerCase() === word.toLowerCase());
    if (found !== undefined) return found;
    const list = known.map((candidate) => `\`${candidate}\``).join(', ');
    const [one, many] = name === 'types' ? ['type', 'types'] : ['status', 'statuses'];
    throw query.unparsable(
      name,
      `\`${word}\` is not a valid task ${one}. Available ${many} are ${list}.`,
    );
  });
}

function readUids(query: QueryReader, name: keyof typeof FILTERS): number[] | null {
  const texts = query.list(name);
  if (texts === null || texts.includes('*')) return null;
  return texts.map((text, at) => {
    if (/^\d+$/.test(text) && Number(text) <= 0xffffffff) return Number(text);
    throw query.unparsable(`${name}[${at}]`, `could not parse \`${text}\` as a positive integer`);
  });
}

/** A bound in microseconds; a date alone means, after it, from the next day on. */
function readDate(query: QueryReader, name: keyof typeof DATES): number | null {
  const text = query.text(name);
  if (text === null || text === '*') return null;
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const millis = isDay || /^\d{4}-\d{2}-\d{2}T/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(millis)) {
    const rule = 'It should follow the YYYY-MM-DD or RFC 3339 date-time format.';
    throw query.unparsable(name, `\`${text}\` is an invalid date-time. ${rule}`);
  }
  return (isDay && name.startsWith('after') ? millis + 86_400_000 - 0.001 : millis) * 1000;
}

function dateTests(query: QueryReader): Test[] {
  const tests: Test[] = [];
  for (const name of Object.keys(DATES) as (keyof typeof DATES)[]) {
    const bound = readDate(query, name);
    if (bound === null) continue;
    const field = name.replace(/^(after|before)E?/, '').startsWith('nqueued')
      ? 'enqueuedAt'
      : name.endsWith('StartedAt')
        ? 'startedAt'
        : 'finishedAt';
    tests.push((task) => {
      const at = task[field];
      if (at === null) return false;
      return name.startsWith('after') ? at > bound : at < bound;
    });
  }
  return tests;
}

function readTests(query: QueryReader): Test[] {
  const tests = dateTests(query);
  const among = <T>(wanted: readonly T[] | null, value: (task: Task) => T | null): void => {
    if (wanted === null) return;
    const set = new Set(wanted);
    tests.push((task) => {
      const found = value(task);
      return found !== null && set.has(found);
    });
  };
  among(readWords(query, 'statuses', TASK_STATUSES), ({ status }) => status);
  among(readWords(query, 'types', TASK_TYPES), ({ type }) => type);
  const indexUids = query.list('indexUids');
  among(indexUids?.includes('*') === true ? null : indexUids, ({ indexUid }) => indexUid);
  among(readUids(query, 'batchUids'), ({ batchUid }) => batchUid);
  among(readUids(query, 'canceledBy'), ({ canceledBy }) => canceledBy);
  return tests;
}

/** The tasks that pass, oldest first; named uids are looked up, not searched for. */
function matching(node: EmbeddedNode, query: QueryReader): Task[] {
  const uids = readUids(query, 'uids');
  const tests = readTests(query);
  const { tasks } = node.queue;
  const candidates =
    uids === null
      ? [...tasks.values()]
      : [...new Set(uids)].sort((left, right) => left - right).map((uid) => tasks.get(uid));
  return candidates.filter(
    (task): task is Task => task !== undefined && tests.every((test) => test(task)),
  );
}

function list(node: EmbeddedNode, request: NodeRequest): Answer {
  const query = readQuery(request, LIST);
  const limit = query.uint('limit') ?? 20;
  const from = query.uint('from');
  const reverse = query.flag('reverse') ?? false;
  const all = matching(node, query);
  const total = all.length;
  if (!reverse) all.reverse();
  const start =
    from === null ? 0 : all.findIndex(({ uid }) => (reverse ? uid >= from : uid <= from));
  const page = start < 0 ? [] : all.slice(start, start + limit);
  return ok({
    results: page.map(shownTask),
    total,
    limit,
    from: page[0]?.uid ?? null,
    next: start < 0 ? null : (all[start + limit]?.uid ?? null),
  });
}

/** Cancelling and forgetting need at least one filter; the tasks are chosen when the request comes. */
function select(node: EmbeddedNode, request: NodeRequest, verb: 'cancel' | 'delete'): Answer {
  const query = readQuery(request, FILTERS);
  if (request.query.size === 0) {
    throw new ApiError(
      'missing_task_filters',
      `Query parameters to filter the tasks to ${verb} are missing. Available query parameters are: \`uids\`, \`indexUids\`, \`statuses\`, \`types\`, \`canceledBy\`, \`beforeEnqueuedAt\`, \`afterEnqueuedAt\`, \`beforeStartedAt\`, \`afterStartedAt\`, \`beforeFinishedAt\`, \`afterFinishedAt\`.`,
    );
  }
  const uids = matching(node, query).map(({ uid }) => uid);
  const text = request.url.slice(request.url.indexOf('?'));
  const kind = verb === 'cancel' ? 'cancelTasks' : 'deleteTasks';
  return ok(summary(node.queue.enqueue({ indexUid: null, content: { kind, uids, query: text } })));
}

export function addTaskRoutes(router: Router, node: EmbeddedNode): void {
  router.add('GET', '/tasks', (request) => list(node, request));
  router.add('DELETE', '/tasks', (request) => select(node, request, 'delete'));
  router.add('POST', '/tasks/cancel', (request) => select(node, request, 'cancel'));
  router.add('GET', '/tasks/:uid', (_request, { uid = '' }) => ok(shownTask(find(node, uid))));
  router.add('GET', '/tasks/:uid/documents', (_request, { uid = '' }) => {
    if (node.features['getTaskDocumentsRoute'] !== true) {
      const doing = 'Getting the documents of an enqueued task';
      throw featureNotEnabled(doing, 'get task documents route', 808);
    }
    const { content, status } = find(node, uid);
    if (content.kind !== 'addDocuments' || !['enqueued', 'processing'].includes(status)) {
      throw new ApiError(
        'task_file_not_found',
        `Task \`${uid}\` does not contain any documents. Only \`documentAdditionOrUpdate\` tasks with the statuses \`enqueued\` or \`processing\` contain documents`,
      );
    }
    return {
      status: 200,
      lines: content.documents.map((one) => stringifyJson(one)).join(''),
    };
  });
}

function find(node: EmbeddedNode, uid: string): Task {
  if (!/^\d+$/.test(uid)) {
    const rule = 'It should only contain numeric characters.';
    throw new ApiError('invalid_task_uids', `Task uid \`${uid}\` is invalid. ${rule}`);
  }
  const task = node.queue.tasks.get(Number(uid));
  if (task === undefined) throw new ApiError('task_not_found', `Task \`${uid}\` not found.`);
  return task;
}
