import { gzip } from 'node:zlib';
import { promisify } from 'node:util';
import { request } from 'undici';
import { checkOutbound, pinnedAgent } from '../../meili/outbound-guard';
import type { OutboundRules } from '../../meili/outbound-guard';
import type { Webhook } from '../../store/record-types';

const timeoutMs = 30_000;
const compress = promisify(gzip);

/** Task views as lines of JSON, compressed: the one body that every webhook gets. */
export async function deliveryBody(views: readonly object[]): Promise<Buffer> {
  return await compress(views.map((view) => `${JSON.stringify(view)}\n`).join(''));
}

/**
 * Posts the body once, as Meilisearch does: no second try, no redirects, and what is answered does not
 * matter. Throws when the url is not allowed, cannot be reached, or takes longer than 30 s.
 */
export async function deliver(
  webhook: Webhook,
  body: Buffer,
  how: { readonly rules: OutboundRules; readonly signal: AbortSignal },
): Promise<void> {
  const verdict = await checkOutbound(webhook.url, how.rules);
  if (!verdict.ok) throw new Error(`The url is not called: ${verdict.reason}.`);
  const dispatcher = pinnedAgent(verdict.address);
  try {
    const answer = await request(verdict.url, {
      method: 'POST',
      headers: {
        'content-encoding': 'gzip',
        'content-type': 'application/x-ndjson',
        ...webhook.headers,
      },
      body,
      dispatcher,
      signal: AbortSignal.any([how.signal, AbortSignal.timeout(timeoutMs)]),
    });
    await answer.body.dump();
  } finally {
    await dispatcher.destroy();
  }
}
