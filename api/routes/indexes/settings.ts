import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { applySettings, resetSettings } from '../../../core/settings/apply';
import { settingNames } from '../../../core/settings/types';
import type { SettingName } from '../../../core/settings/types';
import type { JsonValue } from '../../../core/fleet';
import { authorize } from '../../auth/authorize';
import type { ApiContext } from '../../context';
import { demandAllowedEmbedders } from '../../settings/embedder-urls';
import { startSettingsRun } from '../../settings/start-run';
import { demandIndexUid, isIndexUid } from '../../writes/operations/common';
import { withoutSecrets } from '../../writes/operations/redact';
import { UpdateSettings } from '../../writes/operations/update-settings';
import type { UpdateSettingsInput } from '../../writes/operations/update-settings';
import { answerWithTask, idempotencyOf, mayCreateIndex } from '../task-reply';
import { oneIndex } from '../target';

interface IndexParams {
  Params: { indexUid: string };
}

type SubName = SettingName | 'chat' | 'foreignKeys';

/** Settings that are merged, not replaced. */
const patched: ReadonlySet<SubName> = new Set([
  'typoTolerance',
  'faceting',
  'pagination',
  'embedders',
  'chat',
]);

/** `/indexes/{uid}/settings` and a route for each setting; reads show the client's own values. */
export function registerSettings(app: FastifyInstance, ctx: ApiContext): void {
  const path = '/indexes/:indexUid/settings';
  app.get<IndexParams>(path, { onRequest: authorize(ctx, 'settings.get') }, (request) =>
    shown(oneIndex(ctx, request.params.indexUid).settings),
  );
  app.patch<IndexParams>(
    path,
    { onRequest: authorize(ctx, 'settings.update') },
    async (request, reply) => {
      const sent = sentBody(request.body as JsonValue);
      await demandAllowedEmbedders(ctx.config, sent['embedders']);
      return await change(ctx, request, reply, {
        apply: (present) => applySettings(present, request.body as JsonValue),
        sent,
      });
    },
  );
  app.delete<IndexParams>(
    path,
    { onRequest: authorize(ctx, 'settings.update') },
    async (request, reply) =>
      await reset(ctx, request, reply, {
        apply: () => ({ ok: true, ...resetSettings() }),
        sent: resetSettings().details,
      }),
  );
  for (const name of [...settingNames, 'chat', 'foreignKeys'] as const) registerOne(app, ctx, name);
}

function registerOne(app: FastifyInstance, ctx: ApiContext, name: SubName): void {
  const path = `/indexes/:indexUid/settings/${dashed(name)}`;
  app.get<IndexParams>(
    path,
    { onRequest: authorize(ctx, 'settings.get') },
    async (request, reply) => {
      const settings = shown(oneIndex(ctx, request.params.indexUid).settings);
      // Sent as text: a bare string or null would not be taken for JSON.
      await reply.type('application/json').send(JSON.stringify(settings[name] ?? emptyOf(name)));
    },
  );
  app.route<IndexParams>({
    method: patched.has(name) ? 'PATCH' : 'PUT',
    url: path,
    onRequest: authorize(ctx, 'settings.update'),
    handler: async (request, reply) => {
      const body = request.body as JsonValue;
      if (name === 'embedders') await demandAllowedEmbedders(ctx.config, body);
      return await change(ctx, request, reply, {
        apply: (present) => applySettings(present, body, name),
        sent: { [name]: body },
      });
    },
  });
  app.delete<IndexParams>(
    path,
    { onRequest: authorize(ctx, 'settings.update') },
    async (request, reply) =>
      await reset(ctx, request, reply, {
        apply: (present) => applySettings(present, { [name]: null }),
        sent: { [name]: null },
      }),
  );
}

type SettingsWrite = Pick<UpdateSettingsInput, 'apply' | 'sent'>;

async function change(
  ctx: ApiContext,
  request: FastifyRequest<IndexParams>,
  reply: FastifyReply,
  write: SettingsWrite,
): Promise<FastifyReply> {
  // What is wrong with the body is said before what is wrong with the name, as by the engine.
  const judged = isIndexUid(request.params.indexUid) ? null : write.apply(resetSettings().settings);
  if (judged?.ok === false) throw judged.error;
  const name = demandIndexUid(request.params.indexUid);
  const mayCreate = mayCreateIndex(ctx, request, name);
  return await submit(ctx, request, reply, { name, mayCreate, ...write });
}

/** A reset never makes an index. */
async function reset(
  ctx: ApiContext,
  request: FastifyRequest<IndexParams>,
  reply: FastifyReply,
  write: SettingsWrite,
): Promise<FastifyReply> {
  const name = demandIndexUid(request.params.indexUid);
  return await submit(ctx, request, reply, { name, mayCreate: false, ...write });
}

async function submit(
  ctx: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  input: Omit<UpdateSettingsInput, 'defaults'>,
): Promise<FastifyReply> {
  const update = new UpdateSettings(
    { ...input, defaults: ctx.config.fleet },
    idempotencyOf(request),
  );
  const answered = await answerWithTask(ctx, reply, update);
  const physicalUid = ctx.fleet.index(input.name)?.entry.physicalUid;
  if (physicalUid !== undefined) {
    startSettingsRun(ctx, physicalUid, { who: 'client', why: 'settings changed' });
  }
  return answered;
}

function dashed(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** What the engine shows of settings whose feature is off; they are not stored. */
function emptyOf(name: SubName): JsonValue {
  return name === 'foreignKeys' ? [] : name === 'chat' ? chatDefaults : null;
}

const chatDefaults: JsonValue = {
  description: '',
  documentTemplate:
    '{% for field in fields %}{% if field.is_searchable and field.value != nil %}{{ field.name }}: {{ field.value }}\n{% endif %}{% endfor %}',
  documentTemplateMaxBytes: 400,
  searchParameters: {},
};

function shown(settings: { [name: string]: JsonValue }): { [name: string]: JsonValue } {
  return { ...settings, embedders: withoutSecrets(settings['embedders'] ?? {}) };
}

function sentBody(body: JsonValue): { [name: string]: JsonValue } {
  const isObject = typeof body === 'object' && body !== null && !Array.isArray(body);
  return isObject ? (withoutSecrets(body) as { [name: string]: JsonValue }) : {};
}
