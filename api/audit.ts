import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { JsonValue } from '../core/fleet';
import type { AuditEntry } from '../store/audit-log';
import type { ApiContext } from './context';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Requests that change something are noted in the audit log. Set for every operators' route. */
    audited?: boolean;
  }
  interface FastifyRequest {
    /** The path's parameters as the log shows them; null where the request is not noted. */
    auditTarget: Readonly<Record<string, string>> | null;
  }
}

/** Routes of Meilisearch that decide who may do what, or where data is told: noted like operators' ones. */
const auditedPaths: ReadonlySet<string> = new Set([
  '/keys',
  '/keys/:key',
  '/webhooks',
  '/webhooks/:uuid',
  '/experimental-features',
]);

/**
 * Members of bodies that stand in the log. All others may hold a secret (a header of a webhook, the key
 * of an old instance, an embedder's key in a template), so they are left out.
 */
const shownMembers: ReadonlySet<string> = new Set([
  ...['id', 'url', 'group', 'zone', 'weight', 'node', 'nodes', 'index', 'indexes', 'shards'],
  ...['lost', 'force', 'dryRun', 'epoch', 'autoApprove', 'parallelSyncs', 'documentsPerSecond'],
  ...['graceMs', 'approvalExpiryMs', 'replicationFactor', 'shardCount', 'targets', 'target'],
  ...['enabled', 'version', 'acceptUnavailable', 'restart', 'writeAlias', 'readAlias', 'pattern'],
  ...['uid', 'name', 'actions', 'expiresAt', 'source'],
  ...['every', 'jitter', 'catchUp', 'keep'],
]);
const detailCharactersMax = 300;
const textCharactersMax = 200;
const bodyBytesMax = 256 * 1024;

/**
 * Notes every action of an operator, accepted or refused, in the bounded log of the store and as one
 * line of the pod's log. Requests that carried no valid key are only in the pod's log: nobody may push
 * entries out of the store without one. The answer does not fail when the log cannot be written.
 */
export function registerAudit(app: FastifyInstance, ctx: ApiContext): void {
  app.decorateRequest('auditTarget', null);
  app.addHook('preHandler', async (request) => {
    // Before the handler, because it may delete the key that the path names by its text.
    if (isAudited(request)) request.auditTarget = targetOf(ctx, request);
  });
  app.addHook('onSend', async (request, reply, payload) => {
    if (!isAudited(request)) return payload;
    const entry = entryOf(ctx, request, { reply, payload });
    ctx.log.info({ audit: entry }, 'operator action');
    if (request.auditTarget === null) return payload;
    await ctx.store.audit.append(entry).catch((error: unknown) => {
      ctx.log.error({ err: error, audit: entry }, 'the audit log could not be written');
    });
    return payload;
  });
}

function isAudited(request: FastifyRequest): boolean {
  if (request.method === 'GET' || request.method === 'OPTIONS' || request.is404) return false;
  const { config, url } = request.routeOptions;
  return config.audited === true || auditedPaths.has(url ?? '');
}

function targetOf(ctx: ApiContext, request: FastifyRequest): Record<string, string> {
  const params = Object.entries((request.params ?? {}) as Record<string, string>);
  return Object.fromEntries(
    params.map(([name, value]) => [
      name,
      // A key may be named by its text, which is a secret.
      name === 'key' ? (ctx.keys.byText(value)?.uid ?? uuidOr(value)) : cut(value),
    ]),
  );
}

const uuidOr = (value: string): string =>
  /^[0-9a-f-]{36}$/i.test(value) ? value : 'a key that does not exist';

const cut = (text: string): string => text.slice(0, textCharactersMax);

type JsonObject = { readonly [member: string]: JsonValue };

function entryOf(
  ctx: ApiContext,
  request: FastifyRequest,
  { reply, payload }: { reply: FastifyReply; payload: unknown },
): AuditEntry {
  const body = objectOf(request.rawBody);
  const answer = typeof payload === 'string' ? objectOf(Buffer.from(payload)) : {};
  const path = (request.routeOptions.url ?? '').replace(/:(\w+)/g, '{$1}');
  const refused = reply.statusCode >= 400;
  return {
    who: whoOf(request, body),
    why: typeof body['why'] === 'string' ? cut(body['why']) : '',
    action: `${request.method} ${path}`,
    target: request.auditTarget ?? {},
    details: detailsOf(body),
    status: reply.statusCode,
    refused: refused ? textOr(answer['code'], 'unknown') : null,
    operation: refused ? null : operationOf(answer),
    pod: ctx.pod.id,
  };
}

/** `operation` of a start, `id` with `accepted` of a verb. */
function operationOf(answer: JsonObject): string | null {
  if (typeof answer['operation'] === 'string') return answer['operation'];
  return answer['accepted'] === undefined ? null : textOr(answer['id'], null);
}

function textOr<T>(value: JsonValue | undefined, otherwise: T): string | T {
  return typeof value === 'string' ? value : otherwise;
}

/** The name that the operator gave, else by which key the request came. */
function whoOf(request: FastifyRequest, body: JsonObject): string {
  if (typeof body['who'] === 'string' && body['who'] !== '') return cut(body['who']);
  const caller = request.routeOptions.config.audited === true ? undefined : request.caller;
  if (caller === undefined) return 'operator';
  return caller.keyUid === null ? `${caller.kind} key` : `key ${caller.keyUid}`;
}

function objectOf(bytes: Buffer | undefined): JsonObject {
  if (bytes === undefined || bytes.length === 0 || bytes.length > bodyBytesMax) return {};
  try {
    const value = JSON.parse(bytes.toString('utf8')) as JsonValue;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
  } catch {
    // A body that is no JSON was refused; the entry says so by its code.
    return {};
  }
}

function detailsOf(body: JsonObject): { [name: string]: JsonValue } {
  return Object.fromEntries(
    Object.entries(body)
      .filter(([name, value]) => shownMembers.has(name) && isShort(value))
      .map(([name, value]) => [name, name === 'url' || name === 'source' ? hostOf(value) : value]),
  );
}

const isShort = (value: JsonValue): boolean => JSON.stringify(value).length <= detailCharactersMax;

/** A url may carry a user, a password or a token in its query. */
function hostOf(value: JsonValue): JsonValue {
  if (typeof value !== 'string' || !URL.canParse(value)) return null;
  return new URL(value).origin;
}
