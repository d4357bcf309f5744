import { listen, sendJson } from './listen';

const healthy = Buffer.from('{"status":"available"}');
const made = Buffer.from('{}');
const unknown = Buffer.from(
  '{"message":"A canned node knows searches only.","code":"not_found","type":"invalid_request","link":""}',
);

/** A node that answers every search with the same bytes at once; resolves with its url. */
export function startCannedNode(answer: Buffer): Promise<string> {
  return listen(({ method, url = '' }, _body, response) => {
    if (url.endsWith('/search')) sendJson(response, 200, [answer]);
    else if (url === '/health') sendJson(response, 200, [healthy]);
    else if (url === '/keys' && method === 'POST') sendJson(response, 201, [made]);
    else sendJson(response, 404, [unknown]);
  });
}
