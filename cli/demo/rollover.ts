import type { DemoContext } from './step';
import { poll } from '../poll';
import { record } from './step';

interface Alias {
  readonly targets: readonly string[];
}

const lines = 260;
const batch = 20;
const maxDocs = 150;

/**
 * An alias that is written to, rolled over by its policy on a schedule. Every line is found through the
 * read alias, before and after the flip.
 */
export async function rollLogs(demo: DemoContext): Promise<void> {
  const { api, screen } = demo;
  screen.heading('5. Roll `logs` over on a schedule');
  const created = await api.post<{ taskUid: number }>('/indexes', {
    uid: 'logs-000001',
    primaryKey: 'id',
  });
  await api.waitTask(created.taskUid);
  await api.put('/_miroir/aliases/logs', { target: 'logs-000001', who: 'demo' });
  await api.put('/_miroir/aliases/logs-read', { targets: ['logs-000001'], who: 'demo' });
  await api.put('/_miroir/rollover-policies/logs', {
    write_alias: 'logs',
    read_alias: 'logs-read',
    pattern: 'logs-{000001}',
    triggers: { max_docs: maxDocs, check_every: '1s' },
    retention: { keep_indexes: 3, read_indexes: 3 },
    template: { primary_key: 'id' },
  });
  screen.line(`  Policy: a new index after ${maxDocs} documents, looked at every second.`);
  const bar = screen.bar('log lines');
  for (let at = 0; at < lines; at += batch) {
    const documents = Array.from({ length: Math.min(batch, lines - at) }, (_, ordinal) => ({
      id: at + ordinal,
      level: (at + ordinal) % 10 === 0 ? 'error' : 'info',
      text: `request ${at + ordinal} served`,
    }));
    const { taskUid } = await api.post<{ taskUid: number }>('/indexes/logs/documents', documents);
    await api.waitTask(taskUid);
    bar.set(Math.min(lines, at + batch), lines);
    if (at + batch >= maxDocs && at < maxDocs) await flipped(demo, 'logs-000001');
  }
  bar.end();
  const write = await api.get<Alias>('/_miroir/aliases/logs');
  const found = await api.post<{ estimatedTotalHits: number }>('/indexes/logs-read/search', {
    limit: 0,
  });
  screen.line(
    `  Writes go to ${write.targets.join(', ')}; ${found.estimatedTotalHits} lines are read through logs-read.`,
  );
  record(
    demo,
    '`logs` rolled over to',
    write.targets.join(', '),
    write.targets[0] !== 'logs-000001',
  );
  record(
    demo,
    'lines read through the alias',
    `${found.estimatedTotalHits} of ${lines}`,
    found.estimatedTotalHits === lines,
  );
}

async function flipped(demo: DemoContext, from: string): Promise<void> {
  await poll(
    'the scheduled rollover',
    () => demo.api.get<Alias>('/_miroir/aliases/logs'),
    (alias) => alias.targets[0] !== from,
  );
}
