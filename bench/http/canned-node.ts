import { listen, sendJson } from './listen';

const healthy = Buffer.from('{"status":"available"}');
const made = Buffer.from('{}');
const unknown = Buffer.from(
  '{"message":"A canned node knows searches only.","code":"not_found","type":"invalid_request","link":""}',
);

const at = '2026-01-01T00:00:00Z';
const task = {
  ...{ uid: 0, taskUid: 0, batchUid: 0, indexUid: null, status: 'succeeded', type: 'canned' },
  ...{ canceledBy: null, details: null, error: null, duration: 'PT0S' },
  ...{ enqueuedAt: at, startedAt: at, finishedAt: at },
};
const done = Buffer.from(JSON.stringify(task));
const tasks = Buffer.from(
  JSON.stringify({ results: [task], total: 1, limit: 1, from: 0, next: null }),
);

/**
 * A node that answers every search with the same bytes at once; resolves with its url. It keeps the name that
 * a pod gives it, because a pod searches no node that does not say who it is.
 */
export function startCannedNode(answer: Buffer): Promise<string> {
  let identity = '[]';
  return listen(({ method, url = '' }, body, response) => {
    if (url.endsWith('/search')) sendJson(response, 200, [answer]);
    else if (url === '/health') sendJson(response, 200, [healthy]);
    else if (url === '/keys' && method === 'POST') sendJson(response, 201, [made]);
    else if (url === '/indexes/_miroir_node/documents/fetch') {
      sendJson(response, 200, [Buffer.from(`{"results":${identity},"total":1}`)]);
    } else if (url.startsWith('/indexes/_miroir_node/documents') && method === 'POST') {
      identity = body.toString();
      sendJson(response, 202, [done]);
    } else if (/^\/tasks\/\d+/.test(url)) sendJson(response, 200, [done]);
    else if (url.startsWith('/tasks')) sendJson(response, 200, [tasks]);
    else sendJson(response, 404, [unknown]);
  });
}
