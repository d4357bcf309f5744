import fastify from 'fastify';
import { registerRoutes } from '../app';
import type { ApiContext } from '../context';
import { registerOpenApi } from './document';
import type { OpenApiDocument } from './document';

/**
 * The document of all routes without a fleet: routes use their context only when they are asked.
 */
export function openApiReference(ctx: Pick<ApiContext, 'config'>): OpenApiDocument {
  const app = fastify({ exposeHeadRoutes: false });
  const document = registerOpenApi(app);
  // A registration may take parts of the store by name; it asks nothing of them.
  registerRoutes(app, { ...ctx, store: {} } as unknown as ApiContext);
  return document();
}

/** As it stands in `docs/reference/openapi.json`. */
export function openApiText(document: OpenApiDocument): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}
