import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { MeiliError } from '../../../core/errors';
import type { MigrationInput } from '../../../core/migration';
import { checkOutbound } from '../../../meili/outbound-guard';
import { seal } from '../../../store/sealed';
import { migrationId } from '../../../workflows/ids';
import { workflowTypes } from '../../../workflows/messages';
import type { ApiContext } from '../../context';
import { Fields } from '../../http/fields';
import { operatorBody, operatorRoute, temporalOf } from './operator-route';
import { originOf } from './origin';
import { runOptionFields, runOptions } from './run-options';

/** A migration that nobody ends is over when its key is. */
const secretMs = 60 * 24 * 3_600_000;
const followEveryMsDefault = 30_000;
const followEveryMsMin = 100;

/** `POST /_miroir/migrations`: brings one running Meilisearch into the fleet, live. */
export function registerMigrations(app: FastifyInstance, ctx: ApiContext): void {
  app.post('/_miroir/migrations', operatorRoute(ctx), async (request, reply) => {
    const fields = new Fields(operatorBody(request), {
      known: ['url', 'key', 'indexes', 'keys', 'followEveryMs', ...runOptionFields],
    });
    const url = readUrl(fields);
    const verdict = await checkOutbound(url, ctx.config.outbound);
    if (!verdict.ok) throw fields.invalid('url', verdict.reason);
    const key = fields.optionalString('key');
    const indexes = fields.optionalStrings('indexes');
    const keys = fields.optionalBoolean('keys', true);
    const every = fields.optionalNumber('followEveryMs', { min: followEveryMsMin, integer: true });
    const options = { ...runOptions(ctx, fields), followEveryMs: every ?? followEveryMsDefault };
    const origin = originOf(request);
    const temporal = temporalOf(ctx);
    const secret = key === null ? null : await keep(ctx, key);
    const input: MigrationInput = { source: { url, secret }, indexes, keys, options, ...origin };
    try {
      const { workflowId, runId } = await temporal.start({
        workflowType: workflowTypes.migrateInstance,
        workflowId: migrationId(url),
        args: [input],
      });
      return await reply.code(202).send({ operation: workflowId, runId });
    } catch (error) {
      if (secret !== null) await ctx.store.secrets.delete(secret);
      throw error;
    }
  });
}

/** The key stands sealed in the store; histories and views name it by an id that says nothing. */
async function keep(ctx: ApiContext, key: string): Promise<string> {
  const id = randomUUID();
  const expiresAt = Date.now() + secretMs;
  await ctx.store.secrets.put({ id, sealed: seal(ctx.config.nodes.key, key), expiresAt });
  return id;
}

function readUrl(fields: Fields): string {
  const url = fields.string('url');
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new MeiliError('bad_request', 'Invalid value at `.url`: expected an http or https url');
  }
  const { username, password, search, hash } = new URL(url);
  if (`${username}${password}${search}${hash}` !== '') {
    // It stands in histories, and such parts are where secrets are put.
    throw fields.invalid('url', 'only scheme, host, port and path; give the key as `key`');
  }
  return url.replace(/\/+$/, '');
}
