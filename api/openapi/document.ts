import type { FastifyInstance } from 'fastify';
import { summaryOf } from './summaries';

interface Route {
  readonly method: string;
  readonly path: string;
}

export interface OpenApiDocument {
  readonly openapi: '3.1.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, object>>>>;
  readonly components: object;
}

const description =
  "Meilisearch's routes are those of version 1.50; their bodies are described by its own reference. " +
  'Routes under `/_miroir` are for operators.';

/**
 * Collects the routes as they are registered and serves the document that they make. It must be
 * registered before the first route. The document is made from the routes, so it lists what is served
 * and nothing else; `docs/reference/openapi.json` is a copy that a test keeps equal.
 */
export function registerOpenApi(app: FastifyInstance): () => OpenApiDocument {
  const routes: Route[] = [];
  app.addHook('onRoute', (route) => {
    for (const method of [route.method].flat()) {
      if (method !== 'OPTIONS')
        routes.push({ method: method.toLowerCase(), path: toTemplate(route.url) });
    }
  });
  const document = (): OpenApiDocument => makeDocument(routes);
  app.get('/_miroir/openapi.json', () => document());
  return document;
}

function makeDocument(routes: readonly Route[]): OpenApiDocument {
  const paths: Record<string, Record<string, object>> = {};
  const order = (a: Route, b: Route): number =>
    a.path === b.path ? compare(a.method, b.method) : compare(a.path, b.path);
  for (const route of [...routes].sort(order)) {
    const methods = (paths[route.path] ??= {});
    methods[route.method] = operation(route);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Miroir', version: '0.1.0', description },
    paths,
    components: { securitySchemes, schemas: { Error: errorSchema } },
  };
}

function operation(route: Route): object {
  const name = `${route.method.toUpperCase()} ${route.path}`;
  const operators = route.path.startsWith('/_miroir/');
  const names = [...route.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
  const open = openRoutes.has(name);
  return {
    summary: summaryOf(name),
    tags: [operators ? 'operators' : 'meilisearch'],
    ...(open ? {} : { security: [operators ? { adminKey: [] } : { apiKey: [] }] }),
    ...(names.length === 0
      ? {}
      : {
          parameters: names.map((parameter) => ({
            name: parameter,
            in: 'path',
            required: true,
            schema: { type: 'string' },
          })),
        }),
    responses: {
      '2XX': { description: 'Done, or enqueued.' },
      default: {
        description: 'Refused.',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
      },
    },
  };
}

const openRoutes: ReadonlySet<string> = new Set([
  'GET /',
  'GET /health',
  'GET /_miroir/ready',
  'GET /_miroir/openapi.json',
]);

const securitySchemes = {
  apiKey: { type: 'http', scheme: 'bearer', description: 'Master key, API key or tenant token.' },
  adminKey: { type: 'apiKey', in: 'header', name: 'X-Admin-Key' },
};

const errorSchema = {
  type: 'object',
  required: ['message', 'code', 'type', 'link'],
  properties: {
    message: { type: 'string' },
    code: { type: 'string' },
    type: { type: 'string', enum: ['internal', 'invalid_request', 'auth', 'system'] },
    link: { type: 'string' },
  },
};

/** `/indexes/:indexUid` as `/indexes/{indexUid}`. */
function toTemplate(url: string): string {
  return url.replace(/:(\w+)/g, '{$1}');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
