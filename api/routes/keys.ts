import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { MeiliError } from '../../core/errors';
import type { JsonValue } from '../../core/fleet';
import { oneOf } from '../../core/search/values';
import type { ApiKey } from '../../store/record-types';
import { isGlobalAction, isKeyAction, keyActions } from '../auth/actions';
import { authorize } from '../auth/authorize';
import type { ApiContext } from '../context';
import { Fields } from '../http/fields';
import { readPage } from '../http/page';
import { isoTime } from '../http/iso-time';
import { uuidFault } from '../http/uuid';
import { raiseEpoch } from '../raise-epoch';
import { isIndexUid } from '../writes/operations/common';

interface KeyParams {
  Params: { key: string };
}

/** `/keys`: Miroir's own, never a node's. Each change raises the epoch, so that every pod reloads them. */
export function registerKeys(app: FastifyInstance, ctx: ApiContext): void {
  app.get('/keys', { onRequest: authorize(ctx, 'keys.get') }, (request) => {
    const page = readPage(request.query, {
      offset: 'invalid_api_key_offset',
      limit: 'invalid_api_key_limit',
    });
    const all = ctx.keys.list();
    const results = all.slice(page.offset, page.offset + page.limit).map((key) => view(ctx, key));
    return { results, offset: page.offset, limit: page.limit, total: all.length };
  });

  app.post('/keys', { onRequest: authorize(ctx, 'keys.create') }, async (request, reply) => {
    const key = newKey(request.body as JsonValue, new Date());
    if (!(await ctx.store.apiKeys.create(key))) {
      throw new MeiliError(
        'api_key_already_exists',
        `\`uid\` field value \`${key.uid}\` is already an existing API key.`,
      );
    }
    await tellAllPods(ctx, 'create api key');
    return await reply.code(201).send(view(ctx, key));
  });

  app.get<KeyParams>('/keys/:key', { onRequest: authorize(ctx, 'keys.get') }, (request) =>
    view(ctx, find(ctx, request.params.key)),
  );

  app.patch<KeyParams>(
    '/keys/:key',
    { onRequest: authorize(ctx, 'keys.update') },
    async (request) => {
      const patch = readPatch(request.body as JsonValue);
      const key = find(ctx, request.params.key);
      const updatedAt = new Date().toISOString();
      const changed = await ctx.store.apiKeys.update(key.uid, (now) => ({
        ...now,
        ...patch,
        updatedAt,
      }));
      if (changed === null) throw notFound(request.params.key);
      await tellAllPods(ctx, 'update api key');
      return view(ctx, changed);
    },
  );

  app.delete<KeyParams>(
    '/keys/:key',
    { onRequest: authorize(ctx, 'keys.delete') },
    async (request, reply) => {
      const key = find(ctx, request.params.key);
      await ctx.store.apiKeys.delete(key.uid);
      await tellAllPods(ctx, 'delete api key');
      return await reply.code(204).send();
    },
  );
}

async function tellAllPods(ctx: ApiContext, what: string): Promise<void> {
  await raiseEpoch(ctx, { why: 'keys route', what });
}

function find(ctx: ApiContext, uidOrText: string): ApiKey {
  const key = ctx.keys.byUid(uidOrText) ?? ctx.keys.byText(uidOrText);
  if (key === null) throw notFound(uidOrText);
  return key;
}

function notFound(uidOrText: string): MeiliError {
  return new MeiliError('api_key_not_found', `API key \`${uidOrText}\` not found.`);
}

function view(ctx: ApiContext, key: ApiKey): object {
  const { name, description, uid, actions, indexes, expiresAt, createdAt, updatedAt } = key;
  return {
    name,
    description,
    key: ctx.keys.textOf(uid),
    uid,
    actions,
    indexes,
    expiresAt,
    createdAt,
    updatedAt,
  };
}

function newKey(body: JsonValue, now: Date): ApiKey {
  const fields = new Fields(body, {
    known: ['description', 'name', 'uid', 'actions', 'indexes', 'expiresAt'],
    codes: {
      name: 'invalid_api_key_name',
      description: 'invalid_api_key_description',
      uid: 'invalid_api_key_uid',
      actions: 'invalid_api_key_actions',
      indexes: 'invalid_api_key_indexes',
      expiresAt: 'invalid_api_key_expires_at',
    },
    missing: {
      actions: 'missing_api_key_actions',
      indexes: 'missing_api_key_indexes',
      expiresAt: 'missing_api_key_expires_at',
    },
  });
  const uid = fields.optionalString('uid');
  const fault = uid === null ? null : uuidFault(uid);
  if (fault !== null) throw fields.invalid('uid', fault);
  const actions = fields.strings('actions');
  actions.forEach((action, ordinal) => demandAction(action, ordinal));
  const indexes = fields.strings('indexes');
  indexes.forEach((pattern, ordinal) => {
    if (isUidPattern(pattern)) return;
    throw fields.invalid(
      `indexes[${ordinal}]`,
      `\`${pattern}\` is not a valid index uid pattern. Index uid patterns can be an integer or a string containing only alphanumeric characters, hyphens (-), underscores (_), and optionally end with a star (*).`,
    );
  });
  const at = now.toISOString();
  if (!fields.has('expiresAt')) fields.string('expiresAt');
  const key: ApiKey = {
    uid: (uid ?? randomUUID()).toLowerCase(),
    name: fields.optionalString('name'),
    description: fields.optionalString('description'),
    actions,
    indexes,
    expiresAt: readExpiry(fields, now),
    createdAt: at,
    updatedAt: at,
  };
  demandScope(key);
  return key;
}

const isUidPattern = (text: string): boolean => isIndexUid(text.replace(/\*$/, '')) || text === '*';

function demandAction(action: string, ordinal: number): void {
  if (isKeyAction(action)) return;
  throw new MeiliError(
    'invalid_api_key_actions',
    `Unknown value \`${action}\` at \`.actions[${ordinal}]\`: ${oneOf(action, keyActions)}`,
  );
}

/** A key that is limited to some indexes may not act on the whole instance. */
function demandScope(key: ApiKey): void {
  if (key.indexes.length === 0 || key.indexes.includes('*')) return;
  const action = key.actions.find((held) => isKeyAction(held) && isGlobalAction(held));
  if (action === undefined) return;
  throw new MeiliError(
    'index_scoped_api_key_with_global_action',
    `cannot create index-scoped API key with global action \`"${action}"\`\n  - Hint: remove action \`"${action}"\` from the action list, or remove \`indexes\` to make the key global`,
  );
}

/** RFC 3339, `YYYY-MM-DD HH:MM:SS` or `YYYY-MM-DD`, in the future; null for never. */
function readExpiry(fields: Fields, now: Date): string | null {
  const text = fields.optionalString('expiresAt');
  if (text === null) return null;
  const iso = isoTime(text);
  if (iso === null || Date.parse(iso) <= now.getTime()) {
    throw fields.invalid(
      'expiresAt',
      `\`${text}\` is not a valid date. It should follow the RFC 3339 format to represents a date or datetime in the future or specified as a null value. e.g. 'YYYY-MM-DD' or 'YYYY-MM-DD HH:MM:SS'.\n`,
    );
  }
  return iso;
}

function readPatch(body: JsonValue): Partial<Pick<ApiKey, 'name' | 'description'>> {
  const fields = new Fields(body, {
    known: ['description', 'name'],
    codes: { name: 'invalid_api_key_name', description: 'invalid_api_key_description' },
    immutable: {
      uid: 'immutable_api_key_uid',
      key: 'immutable_api_key_key',
      actions: 'immutable_api_key_actions',
      indexes: 'immutable_api_key_indexes',
      expiresAt: 'immutable_api_key_expires_at',
      createdAt: 'immutable_api_key_created_at',
      updatedAt: 'immutable_api_key_updated_at',
    },
  });
  return {
    ...(fields.has('name') ? { name: fields.optionalString('name') } : {}),
    ...(fields.has('description') ? { description: fields.optionalString('description') } : {}),
  };
}
