/**
 * Goal: `ops show` and `--wait` say what a run found or did, or why nothing was to do.
 * Method: views as the api gives them, one of each kind that has a report.
 */
import type { Operation } from '../../cli/operations';
import { reportText } from '../../cli/report-text';

const view = (kind: string, report: object | null, plan?: object): Operation =>
  ({
    ...{ id: `${kind}/x`, kind, status: 'succeeded', phase: 'done' },
    progress: {
      ...{ done: 1, total: 1, documentsCopied: 0, waitingFor: null },
      ...(report === null ? {} : { report }),
    },
    ...(plan === undefined ? {} : { plan }),
    temporal: { workflowId: 'x', runId: 'y' },
  }) as unknown as Operation;

const rollover = {
  ...{ policy: 'logs', version: 3, outcome: 'rolled-over', reason: 'max_docs: 3 of 3 documents' },
  ...{ from: 'logs-000003', to: 'logs-000004', readTargets: ['logs-000003', 'logs-000004'] },
  ...{ deleted: ['logs-000001'], doomed: ['logs-000001', 'logs-000002'] },
};

test('a rollover names the new index, what was dropped and what was kept', () => {
  expect(reportText(view('rollover', rollover))).toEqual([
    'It was due: max_docs: 3 of 3 documents.',
    'The new index logs-000004 follows logs-000003.',
    'Read alias: logs-000003, logs-000004',
    'Deleted: logs-000001',
    'Kept, because an alias names it: logs-000002',
  ]);
});

test('a dry run speaks of what would be', () => {
  const report = { ...rollover, outcome: 'dry-run', deleted: [], readTargets: null };
  expect(reportText(view('rollover', report))).toEqual([
    'It is due: max_docs: 3 of 3 documents.',
    'A new index logs-000004 would follow logs-000003.',
    'Deleted would be: logs-000001, logs-000002',
  ]);
});

test('a rollover that did nothing says why', () => {
  const reason = 'no trigger is met: 2 of 3 documents';
  const report = { ...rollover, outcome: 'not-due', reason, to: null, deleted: [], doomed: [] };
  expect(reportText(view('rollover', report))).toEqual([
    'Nothing was to do: no trigger is met: 2 of 3 documents.',
  ]);
});

test('a canary says how it was, and what was wrong', () => {
  const red = { ok: false, latencyMs: 7, failures: ['min_hits: 0 of 1'] };
  expect(reportText(view('canary', red))).toEqual(['Red, answered in 7 ms.', 'min_hits: 0 of 1']);
  const green = { ok: true, latencyMs: 7, failures: [] };
  expect(reportText(view('canary', green))).toEqual(['Green, answered in 7 ms.']);
});

test('a sweep counts, and names what failed', () => {
  const report = { indexes: 2, deleted: 5, left: 1, failed: [{ physicalUid: 'p', reason: 'r' }] };
  expect(reportText(view('ttl', report))).toEqual([
    '5 expired documents of 2 indexes were deleted, 1 are left to the next sweep.',
    'p: r',
  ]);
});

test('a check of settings names what differs where, and what came of it', () => {
  const report = {
    ...{ indexes: 2, repaired: ['p-1'], failed: [], unanswered: ['meili-2'] },
    drifted: [{ index: 'films', nodes: [{ node: 'meili-1', settings: ['synonyms'] }] }],
  };
  expect(reportText(view('settings-check', report))).toEqual([
    '2 indexes were compared, some differ.',
    'films differs on meili-1: synonyms',
    'Repaired: p-1',
    'Could not be asked: meili-2',
  ]);
});

test('archives say what is in them, what a drill proved, what an import brought', () => {
  const indexes = [{ documents: 3 }, { documents: 4 }];
  const backup = { id: '20260101', indexes, deleted: ['2025'] };
  expect(reportText(view('backup', null, backup))).toEqual([
    '20260101: 7 documents of 2 indexes.',
    'Deleted because newer ones are kept: 2025',
  ]);
  const drill = { backup: 'b', ok: false, documents: 0, seconds: 1, failures: ['gone'] };
  expect(reportText(view('restore-drill', null, drill))).toEqual(['b does not hold:', 'gone']);
  const done = { outcome: 'done', documents: 3, keys: 1, setAside: 2, policies: 1 };
  expect(reportText(view('import', null, done))).toEqual([
    '3 documents and 1 keys were imported, 2 documents were set aside.',
    '1 policies and canaries were made.',
  ]);
});

test('a run that has found nothing yet has nothing to say', () => {
  for (const kind of ['rollover', 'canary', 'ttl', 'settings-check', 'backup', 'import', 'sync']) {
    expect(reportText(view(kind, null))).toEqual([]);
  }
});
