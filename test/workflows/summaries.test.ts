/**
 * Goal: a run can be followed in Temporal's page by words alone, and no secret or address is among them.
 * Method: every recorded history is read for the arguments of its runs and activities; each gets its line.
 * A real run is then asked for what Temporal keeps of it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultPayloadConverter } from '@temporalio/common';
import type { Payload } from '@temporalio/common';
import { summarisedActivities, summaryOfActivity } from '../../workflows/summaries/activities';
import { counted, line } from '../../workflows/summaries/line';
import { metadataOfRun } from '../../workflows/summaries/runs';
import { workflowTypes } from '../../workflows/messages';
import { historyOf, histories } from '../replay/record';
import { FakeWorld, planOf, runOptions, startRuns } from './run-for-test';

interface Call {
  readonly type: string;
  readonly args: readonly unknown[];
}

const argsOf = (payloads: readonly Payload[] | null | undefined): unknown[] =>
  (payloads ?? []).map((payload) => defaultPayloadConverter.fromPayload(payload));

/** What the recorded runs were started with, and what they asked of activities. */
function recorded(): { runs: Call[]; activities: Call[] } {
  const runs: Call[] = [];
  const activities: Call[] = [];
  for (const file of readdirSync(histories).filter((name) => name.endsWith('.json'))) {
    const { events } = historyOf(readFileSync(join(histories, file), 'utf8'));
    for (const event of events) {
      const begun = event.workflowExecutionStartedEventAttributes;
      if (begun) {
        const { workflowType, input } = begun;
        runs.push({ type: workflowType?.name ?? '', args: argsOf(input?.payloads as Payload[]) });
      }
      const asked = event.activityTaskScheduledEventAttributes;
      if (asked) {
        const { activityType, input } = asked;
        activities.push({
          type: activityType?.name ?? '',
          args: argsOf(input?.payloads as Payload[]),
        });
      }
    }
  }
  return { runs, activities };
}

const { runs, activities } = recorded();
const bytesMax = 400;
/** What the recorded arguments have that must stay out: addresses, sealed secrets, what was typed. */
const forbidden = /https?:|secret|record\b/;

test('each run and each activity of the recorded histories has its line', () => {
  expect(new Set(runs.map(({ type }) => type))).toEqual(new Set(Object.keys(workflowTypes)));
  for (const { type, args } of runs) {
    const { staticSummary } = metadataOfRun(type, args);
    expect({ type, staticSummary }).toEqual({ type, staticSummary: expect.any(String) as string });
    expect(staticSummary).not.toMatch(forbidden);
    expect(staticSummary).not.toMatch(/undefined|null|\[object/);
  }
  expect(activities.length).toBeGreaterThan(200);
  for (const { type, args } of activities) {
    const summary = summaryOfActivity(type, args);
    expect({ type, summary }).toEqual({ type, summary: expect.any(String) as string });
    expect(summary).not.toMatch(forbidden);
    expect(summary).not.toMatch(/undefined|null|\[object/);
    expect(Buffer.byteLength(summary ?? '')).toBeLessThan(bytesMax);
  }
  // What no recorded run asks for is summarised as well; the compiler holds the table complete.
  expect(summarisedActivities.length).toBeGreaterThan(70);
});

test('names of any length make one short line', () => {
  const long = `${'漢'.repeat(300)}\n second`;
  expect(Buffer.byteLength(line(long))).toBeLessThan(bytesMax);
  expect(line('a\n b\t c ')).toBe('a b c');
  expect([counted(1, 'copy'), counted(3, 'copy'), counted(2, 'old index')]).toEqual([
    ...['1 copy', '3 copies', '2 old indexes'],
  ]);
  const { staticDetails } = metadataOfRun('settingsBroadcast', [
    { physicalUid: 'p', who: long, why: long },
  ]);
  expect(Buffer.byteLength(staticDetails ?? '')).toBeLessThan(2_000);
});

test('arguments of another version stop nothing', () => {
  expect(summaryOfActivity('copyRanges', [])).toBeUndefined();
  expect(summaryOfActivity('unknown', [{}])).toBeUndefined();
  expect(metadataOfRun('syncShards', [{}])).toEqual({});
  expect(metadataOfRun('unknown', [{}])).toEqual({});
  expect(metadataOfRun('syncShards', [])).toEqual({});
});

const textOf = (payload: unknown): string | null =>
  payload === null || payload === undefined
    ? null
    : defaultPayloadConverter.fromPayload<string>(payload as Payload);

test('Temporal keeps them: of the children, the activities and the timers', async () => {
  const world = new FakeWorld();
  const started = await startRuns(world);
  try {
    const node = `s${String(process.pid)}x${String(Date.now())}`;
    world.plans = [planOf([node], 7)];
    const handle = await started.start('rebalance', {
      ...{ group: null, parent: null, who: 'ada', why: 'even' },
      options: { ...runOptions, autoApprove: true, graceMs: 100 },
    });
    await handle.result();
    const { events = [] } = await handle.fetchHistory();
    const child = events?.find((event) => event.childWorkflowExecutionStartedEventAttributes);
    const childId =
      child?.childWorkflowExecutionStartedEventAttributes?.workflowExecution?.workflowId ?? '';
    const sync = started.client.workflow.getHandle(childId);
    const described = await sync.describe();
    expect(await described.staticSummary()).toMatch(
      new RegExp(`^move 2 shards of products: .* → ${node}$`),
    );
    expect(await described.staticDetails()).toMatch(/Asked for by \*\*ada\*\*/);
    const summaries = ((await sync.fetchHistory()).events ?? []).flatMap((event) => {
      const name =
        event.activityTaskScheduledEventAttributes?.activityType?.name ??
        (event.timerStartedEventAttributes ? 'timer' : null);
      return name === null ? [] : [[name, textOf(event.userMetadata?.summary)] as const];
    });
    expect(new Map(summaries).get('cutOver')).toMatch(/point of no return/);
    expect(new Map(summaries).get('timer')).toMatch(/grace time/);
    for (const [name, summary] of summaries) {
      expect({ name, summary }).toEqual({ name, summary: expect.any(String) as string });
    }
  } finally {
    await started.close();
  }
});
