import type { FastifyInstance } from 'fastify';
import { MeiliError } from '../../core/errors';
import type { JsonValue } from '../../core/fleet';
import type { KeyAction } from '../auth/actions';
import { authorize } from '../auth/authorize';
import type { ApiContext } from '../context';
import type { FeatureName } from '../features';
import { featureNotEnabled } from '../features';
import { Fields } from '../http/fields';

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

interface Refusal {
  /** `METHOD /path`, each with the action that its key needs. */
  readonly routes: Readonly<Record<string, KeyAction>>;
  /** A second action that the key needs. */
  readonly and?: KeyAction;
  /** The feature that such a route needs, and what Meilisearch says is done with it. */
  readonly feature?: { readonly name: FeatureName; readonly doing: string };
  /** Why a fleet cannot do it; for routes of no feature. */
  readonly reason?: string;
  /** The body is looked at even so: a missing one is told first, as by Meilisearch. */
  readonly readsBody?: boolean;
  /** The members of the body, where the engine names one that is unknown or missing before the feature. */
  readonly body?: { readonly known: readonly string[]; readonly needed?: string };
}

const dsr = 'Using the `/dynamic-search-rules` routes';
const chatSettings = 'using the /chats/settings route';

/**
 * Routes of Meilisearch that a fleet does not serve. Those behind a feature answer as a Meilisearch
 * whose feature is off, because a fleet does not let it be switched on.
 */
const refusals: readonly Refusal[] = [
  {
    routes: { 'POST /snapshots': 'snapshots.create' },
    reason:
      'a snapshot is a copy of the disk of one node, and each node has only some of the documents; make a dump or a backup',
  },
  {
    routes: { 'POST /indexes/:indexUid/compact': 'indexes.compact' },
    reason:
      'a node works off no task of any index while it compacts one; do it on the nodes, one by one',
  },
  {
    routes: { 'GET /network': 'network.get' },
    feature: { name: 'network', doing: 'Using the /network route' },
  },
  {
    routes: { 'PATCH /network': 'network.update' },
    feature: { name: 'network', doing: 'Using the /network route' },
    readsBody: true,
    body: {
      known: ['remotes', 'shards', 'previousShards', 'self', 'leader', 'previousRemotes'],
    },
  },
  {
    routes: { 'POST /logs/stream': 'metrics.get' },
    feature: { name: 'logsRoute', doing: 'Modifying logs through the `/logs/*` routes' },
    readsBody: true,
    body: { known: ['target', 'mode', 'profileMemory'] },
  },
  {
    routes: { 'POST /logs/stderr': 'metrics.get' },
    feature: { name: 'logsRoute', doing: 'Modifying logs through the `/logs/*` routes' },
    readsBody: true,
    body: { known: ['target'] },
  },
  {
    routes: { 'DELETE /logs/stream': 'metrics.get' },
    feature: { name: 'logsRoute', doing: 'Modifying logs through the `/logs/*` routes' },
  },
  {
    routes: { 'POST /tasks/compact': 'tasks.compact' },
    feature: { name: 'taskQueueCompactionRoute', doing: 'Using the /tasks/compact route' },
  },
  {
    routes: { 'POST /render-template': 'settings.get' },
    and: 'documents.get',
    feature: { name: 'renderRoute', doing: 'calling the /render-template route' },
    readsBody: true,
    body: { known: ['template', 'input'], needed: 'template' },
  },
  {
    routes: { 'POST /dynamic-search-rules': 'dynamicSearchRules.get' },
    feature: {
      name: 'dynamicSearchRules',
      doing: 'Calling the `POST /dynamic-search-rules` route',
    },
    readsBody: true,
  },
  {
    routes: { 'GET /dynamic-search-rules/:uid': 'dynamicSearchRules.get' },
    feature: {
      name: 'dynamicSearchRules',
      doing: 'Calling the `GET /dynamic-search-rules/{:ruleUid}` route',
    },
  },
  {
    routes: { 'PATCH /dynamic-search-rules/:uid': 'dynamicSearchRules.update' },
    feature: { name: 'dynamicSearchRules', doing: dsr },
    readsBody: true,
  },
  {
    routes: {
      'DELETE /dynamic-search-rules': 'dynamicSearchRules.delete',
      'DELETE /dynamic-search-rules/:uid': 'dynamicSearchRules.delete',
    },
    feature: { name: 'dynamicSearchRules', doing: dsr },
  },
  {
    routes: { 'GET /chats': 'chats.get' },
    feature: { name: 'chatCompletions', doing: 'listing the chats' },
  },
  {
    routes: { 'GET /chats/:workspaceUid': 'chats.get' },
    feature: { name: 'chatCompletions', doing: 'displaying a chat' },
  },
  {
    routes: { 'DELETE /chats/:workspaceUid': 'chats.delete' },
    feature: { name: 'chatCompletions', doing: 'deleting a chat' },
  },
  {
    routes: {
      'GET /chats/:workspaceUid/settings': 'chatsSettings.get',
      'DELETE /chats/:workspaceUid/settings': 'chatsSettings.update',
    },
    feature: { name: 'chatCompletions', doing: chatSettings },
  },
  {
    routes: { 'PATCH /chats/:workspaceUid/settings': 'chatsSettings.update' },
    feature: { name: 'chatCompletions', doing: chatSettings },
    readsBody: true,
  },
  {
    routes: { 'POST /chats/:workspaceUid/chat/completions': 'chatCompletions' },
    feature: { name: 'chatCompletions', doing: 'using the /chats chat completions route' },
    readsBody: true,
  },
];

export function registerRefused(app: FastifyInstance, ctx: ApiContext): void {
  for (const refusal of refusals) {
    for (const [route, action] of Object.entries(refusal.routes)) {
      const [method, url] = route.split(' ') as [Method, string];
      app.route({
        method,
        url,
        config: { body: refusal.readsBody === true ? 'json' : 'none' },
        onRequest: [
          authorize(ctx, action),
          ...(refusal.and === undefined ? [] : [authorize(ctx, refusal.and)]),
        ],
        handler: (request) => {
          if (refusal.body !== undefined) {
            const fields = new Fields(request.body as JsonValue, refusal.body);
            if (refusal.body.needed !== undefined) fields.object(refusal.body.needed);
          }
          throw errorOf(refusal, route);
        },
      });
    }
  }
  app.post('/network/control', { onRequest: authorize(ctx, 'network.update') }, () => {
    throw new MeiliError(
      'requires_enterprise_edition',
      'Meilisearch Enterprise Edition is required to call this route',
    );
  });
}

function errorOf({ feature, reason }: Refusal, route: string): MeiliError {
  if (feature !== undefined) return featureNotEnabled(feature.name, feature.doing);
  return new MeiliError(
    'miroir_not_supported',
    `\`${route.replace(/:(\w+)/g, '{$1}')}\` cannot be served by a fleet: ${reason ?? ''}.`,
  );
}
