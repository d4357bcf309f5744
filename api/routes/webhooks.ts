import { randomUUID } from 'node:crypto';
import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { MeiliError } from '../../core/errors';
import type { JsonValue } from '../../core/fleet';
import type { Webhook } from '../../store/record-types';
import { authorize } from '../auth/authorize';
import type { ApiContext } from '../context';
import { Fields } from '../http/fields';
import { uuidFault } from '../http/uuid';
import { raiseEpoch } from '../raise-epoch';
import { redactSecret } from '../writes/operations/redact';

interface WebhookParams {
  Params: { uuid: string };
}

const path = '/webhooks';
const webhooksMax = 20;
const headersMax = 200;
/** Meilisearch's webhook of the command line has it; Miroir has none, and nobody may make it. */
const nilUuid = '00000000-0000-0000-0000-000000000000';

/** `/webhooks`: the fleet's own; nodes never call anybody. */
export function registerWebhooks(app: FastifyInstance, ctx: ApiContext): void {
  app.get(path, { onRequest: authorize(ctx, 'webhooks.get') }, () => ({
    results: ctx.webhooks.list().map(view),
  }));

  app.get<WebhookParams>(
    `${path}/:uuid`,
    { onRequest: authorize(ctx, 'webhooks.get') },
    async (request) => {
      const uuid = demandUuid(request.params.uuid);
      const webhook = await ctx.store.webhooks.get(uuid);
      if (webhook === null) throw notFound(uuid);
      return view(webhook);
    },
  );

  app.post(path, { onRequest: authorize(ctx, 'webhooks.create') }, async (request, reply) => {
    const uuid = randomUUID();
    const body = readBody(request.body as JsonValue);
    const webhook = changed({ uuid, url: '', headers: {} }, body);
    if ((await ctx.store.webhooks.count()) >= webhooksMax) throw tooMany();
    await ctx.store.webhooks.create(check(webhook));
    await raiseEpoch(ctx, { why: 'webhooks route', what: 'create webhook' });
    return await reply.code(201).send(view(webhook));
  });

  app.patch<WebhookParams>(
    `${path}/:uuid`,
    { onRequest: authorize(ctx, 'webhooks.update') },
    async (request) => {
      const uuid = demandUuid(request.params.uuid);
      const body = readBody(request.body as JsonValue);
      demandMutable(uuid);
      const webhook = await ctx.store.webhooks.update(uuid, (now) => check(changed(now, body)));
      if (webhook === null) throw notFound(uuid);
      await raiseEpoch(ctx, { why: 'webhooks route', what: 'update webhook' });
      return view(webhook);
    },
  );

  app.delete<WebhookParams>(
    `${path}/:uuid`,
    { onRequest: authorize(ctx, 'webhooks.delete') },
    async (request, reply) => {
      const uuid = demandUuid(request.params.uuid);
      demandMutable(uuid);
      if (!(await ctx.store.webhooks.delete(uuid))) throw notFound(uuid);
      await raiseEpoch(ctx, { why: 'webhooks route', what: 'delete webhook' });
      return await reply.code(204).send();
    },
  );
}

/** As it is shown: what an `Authorization` header holds stays with its webhook. */
function view({ uuid, url, headers }: Webhook): object {
  const shown = Object.entries(headers).map(([name, value]) => [
    name,
    name.toLowerCase() === 'authorization' ? redacted(value) : value,
  ]);
  return { uuid, isEditable: true, url, headers: Object.fromEntries(shown) as object };
}

function redacted(value: string): string {
  const scheme = 'Bearer ';
  return value.startsWith(scheme)
    ? `${scheme}${redactSecret(value.slice(scheme.length))}`
    : redactSecret(value);
}

/** What a body says: a member that is absent stays as it is, null takes it away. */
interface WebhookBody {
  readonly url: string | null | undefined;
  readonly headers: Readonly<Record<string, string | null>> | null | undefined;
}

function readBody(body: JsonValue): WebhookBody {
  const fields = new Fields(body, {
    known: ['url', 'headers'],
    codes: { url: 'invalid_webhook_url', headers: 'invalid_webhook_headers' },
    immutable: { uuid: 'immutable_webhook_uuid', isEditable: 'immutable_webhook_is_editable' },
  });
  const url = fields.has('url') ? fields.optionalString('url') : undefined;
  if (!fields.has('headers')) return { url, headers: undefined };
  if (fields.raw('headers') === null) return { url, headers: null };
  const headers = Object.entries(fields.object('headers')).map(([name, value]) => {
    if (value !== null && typeof value !== 'string') {
      throw fields.wrongType(`headers.${name}`, 'a string', value);
    }
    return [name, value] as const;
  });
  return { url, headers: Object.fromEntries(headers) };
}

function changed(now: Webhook, { url, headers }: WebhookBody): Webhook {
  if (url === null) throw missingUrl(now.uuid);
  const after: Record<string, string> = headers === null ? {} : { ...now.headers };
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (value === null) delete after[name];
    else after[name] = value;
  }
  return { uuid: now.uuid, url: url ?? now.url, headers: sorted(after) };
}

/** Throws what makes a webhook unusable, in the order in which Meilisearch looks. */
function check(webhook: Webhook): Webhook {
  const { uuid, url, headers } = webhook;
  if (url === '') throw missingUrl(uuid);
  if (Object.keys(headers).length > headersMax) {
    throw new MeiliError(
      'invalid_webhook_headers',
      `Too many headers for the webhook \`${uuid}\`. Please limit the number of headers to 200. Hint: To remove an already defined header set its value to \`null\``,
    );
  }
  for (const [name, value] of Object.entries(headers)) {
    if (!isValid(() => validateHeaderName(name))) {
      throw new MeiliError(
        'invalid_webhook_headers',
        `Invalid header name \`${name}\`: invalid HTTP header name`,
      );
    }
    if (!isValid(() => validateHeaderValue(name, value))) {
      throw new MeiliError(
        'invalid_webhook_headers',
        `Invalid header value \`${name}\`: failed to parse header value`,
      );
    }
  }
  if (!URL.canParse(url)) {
    const reason = /^[a-z][a-z0-9+.-]*:/i.test(url) ? 'empty host' : 'relative URL without a base';
    throw new MeiliError('invalid_webhook_url', `Invalid URL \`${url}\`: ${reason}`);
  }
  return webhook;
}

function isValid(validate: () => void): boolean {
  try {
    validate();
    return true;
  } catch {
    return false;
  }
}

function sorted(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function demandUuid(text: string): string {
  const fault = uuidFault(text);
  if (fault === null) return text.toLowerCase();
  throw new MeiliError('invalid_webhook_uuid', `Invalid UUID: ${fault}`);
}

function demandMutable(uuid: string): void {
  if (uuid !== nilUuid) return;
  throw new MeiliError(
    'immutable_webhook',
    `Webhook \`${uuid}\` is immutable. The webhook defined from the command line cannot be modified using the API.`,
  );
}

function missingUrl(uuid: string): MeiliError {
  return new MeiliError('invalid_webhook_url', `The URL for the webhook \`${uuid}\` is missing.`);
}

function tooMany(): MeiliError {
  return new MeiliError(
    'invalid_webhooks',
    'Defining too many webhooks would crush the server. Please limit the number of webhooks to 20. You may use a third-party proxy server to dispatch events to more than 20 endpoints.',
  );
}

function notFound(uuid: string): MeiliError {
  return new MeiliError('webhook_not_found', `Webhook \`${uuid}\` not found.`);
}
