/**
 * Goal: the embedded node answers as Meilisearch 1.50 does, in all that Miroir asks of a node.
 * Method: the recorded exchanges of a real server run in order against a fresh embedded node, and
 * answers and finished tasks are compared, member order included.
 */
import { startEmbeddedNode } from '../../../local/embedded-node/server';
import { replay } from './replay';
import type { Report } from './replay';

const IN_SCOPE = [
  'documents.write',
  'documents.read',
  'documents.delete',
  'odd-documents',
  'search',
  'facet-search',
  'vectors',
  'settings',
];

describe('the recorded exchanges of a real Meilisearch', () => {
  let report: Report;

  beforeAll(async () => {
    const node = await startEmbeddedNode({
      port: 0,
      host: '127.0.0.1',
      masterKey: 'MASTER',
      dataDir: null,
    });
    try {
      report = await replay(node.url, 'MASTER');
    } finally {
      await node.close();
    }
    if (process.env['REPLAY_REPORT'] !== undefined) {
      process.stderr.write(`${JSON.stringify(report, null, 1)}\n`);
    }
  });

  it('are answered alike, at least 95 of 100, in the groups that Miroir needs', () => {
    let equal = 0;
    let total = 0;
    for (const group of IN_SCOPE) {
      equal += report.groups[group]?.equal ?? 0;
      total += report.groups[group]?.total ?? 0;
    }
    expect(total).toBe(294);
    expect(equal / total).toBeGreaterThanOrEqual(0.95);
  });
});
