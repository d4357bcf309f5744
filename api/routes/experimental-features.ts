import type { FastifyInstance } from 'fastify';
import { MeiliError } from '../../core/errors';
import type { JsonValue } from '../../core/fleet';
import { authorize } from '../auth/authorize';
import type { ApiContext } from '../context';
import { clientOf } from '../context';
import { Fields } from '../http/fields';

/** In the order in which Meilisearch shows them. */
const features = [
  'metrics',
  'logsRoute',
  'editDocumentsByFunction',
  'containsFilter',
  'dynamicSearchRules',
  'network',
  'getTaskDocumentsRoute',
  'taskQueueCompactionRoute',
  'compositeEmbedders',
  'chatCompletions',
  'multimodal',
  'foreignKeys',
  'disableDocumentsFetchQueue',
  'legacySearch',
  'renderRoute',
] as const;

/**
 * The features that a fleet can serve; their flag is set on every node. The others would answer for a
 * part of the documents, or reach a node past Miroir, and cannot be switched on.
 */
const served: ReadonlySet<string> = new Set(['containsFilter', 'disableDocumentsFetchQueue']);

export function registerExperimentalFeatures(app: FastifyInstance, ctx: ApiContext): void {
  const path = '/experimental-features';

  app.get(path, { onRequest: authorize(ctx, 'experimental.get') }, () => read(ctx));

  app.patch(path, { onRequest: authorize(ctx, 'experimental.update') }, async (request) => {
    const fields = new Fields(request.body as JsonValue, { known: features });
    const wanted = features.filter((name) => fields.has(name) && fields.raw(name) !== null);
    const change = Object.fromEntries(
      wanted.map((name) => [name, fields.optionalBoolean(name, false)]),
    );
    const refused = wanted.find((name) => change[name] === true && !served.has(name));
    if (refused !== undefined) {
      throw new MeiliError(
        'miroir_not_supported',
        `The experimental feature \`${refused}\` cannot be served by a fleet.`,
      );
    }
    const nodeChange = Object.fromEntries(
      Object.entries(change).filter(([name]) => served.has(name)),
    );
    await Promise.all(
      ctx.fleet.current().nodes.map((node) => clientOf(ctx, node.id)?.enableFeatures(nodeChange)),
    );
    return await read(ctx);
  });
}

/** As the first node that answers has it; nodes that join later are given the same flags. */
async function read(ctx: ApiContext): Promise<Record<string, boolean>> {
  for (const node of ctx.fleet.current().nodes) {
    const answer = await clientOf(ctx, node.id)
      ?.request({ method: 'GET', path: '/experimental-features' })
      .catch(() => null);
    if (answer?.status !== 200) continue;
    const flags = JSON.parse(answer.bytes.toString('utf8')) as Record<string, boolean>;
    return Object.fromEntries(
      features.map((name) => [name, served.has(name) && flags[name] === true]),
    );
  }
  return Object.fromEntries(features.map((name) => [name, false]));
}
