import type { RunningFleet } from '../../local/fleet';
import { Checker } from './checker';
import type { CheckReport } from './checker';
import type { Film } from './films';
import type { Operation } from '../operations';
import { awaitPlan, operation, planText, watchOperation } from '../operations';
import type { DemoContext } from './step';
import { record } from './step';

const firstNewId = 100_000;

/** A fourth node joins while a checker searches and a writer writes without pause. */
export async function growFleet(
  demo: DemoContext,
  fleet: RunningFleet,
  films: readonly Film[],
): Promise<void> {
  const { api, screen } = demo;
  screen.heading('4. Add a fourth node while it is searched and written to');
  const checker = new Checker(
    api,
    'films',
    films.map((film) => film.id),
    firstNewId,
  );
  checker.start();
  try {
    const id = await addNode(demo, fleet);
    const planned = await awaitPlan(api, id);
    if (planned.plan) screen.line(planText(planned.plan));
    const begun = performance.now();
    await api.post(`/_miroir/operations/${encodeURIComponent(id)}/approve`, { who: 'demo' });
    const done = await watch(demo, id, checker);
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    report(demo, { done, seconds, check: await checker.stop() });
  } catch (error) {
    await checker.stop();
    throw error;
  }
}

async function addNode(demo: DemoContext, fleet: RunningFleet): Promise<string> {
  const node = await fleet.addNodeProcess({ group: 0 });
  demo.screen.line(`  ${node.id} is up at ${node.url}; the fleet does not know it yet.`);
  const started = await demo.api.post<{ operation: string }>('/_miroir/nodes', {
    id: node.id,
    url: node.url,
    group: node.group,
    graceMs: 1_000,
    who: 'demo',
    why: 'show how a fleet grows',
  });
  return started.operation;
}

async function watch(demo: DemoContext, id: string, checker: Checker): Promise<Operation> {
  const { api, screen } = demo;
  const { url } = (await operation(api, id)).temporal;
  if (url !== undefined) screen.line(`  Watch it in Temporal: ${url}`);
  return await watchOperation(api, id, screen, {
    note: () => {
      const { searches, missed, doubled } = checker.report();
      return `${searches} searches: ${missed} missed, ${doubled} doubled`;
    },
  });
}

function report(
  demo: DemoContext,
  outcome: { done: Operation; seconds: string; check: CheckReport },
): void {
  const { done, seconds, check } = outcome;
  const moved = `${done.progress.documentsCopied} documents in ${seconds} s`;
  record(demo, 'fourth node filled', `${done.status}: ${moved}`, done.status === 'succeeded');
  const exact = check.missed === 0 && check.doubled === 0 && check.searches > 0;
  record(
    demo,
    'searches of everything meanwhile',
    `${check.searches}: ${check.missed} missed, ${check.doubled} doubled`,
    exact,
  );
  record(
    demo,
    'requests refused meanwhile',
    check.failed === 0 ? '0' : `${check.failed} (${check.lastError ?? ''})`,
    check.failed === 0,
  );
  record(demo, 'documents written meanwhile', `${check.written}, all found`, check.written > 0);
  record(demo, 'such a search took', `p50 ${check.p50Ms} ms, p95 ${check.p95Ms} ms`);
}
