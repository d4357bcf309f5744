import fastify from 'fastify';
import type { FastifyInstance } from 'fastify';
import { registerAudit } from './audit';
import type { ApiContext } from './context';
import { registerBodies } from './http/body';
import { registerCompression } from './http/compression';
import { registerCors } from './http/cors';
import { registerEpochUnknown } from './http/epoch-unknown';
import { registerErrors } from './http/errors';
import { answerClientError, decodableUrl, plainJson } from './http/odd-requests';
import { registerStateLost } from './http/state-lost';
import { registerOpenApi } from './openapi/document';
import { registerDumps } from './routes/dumps';
import { registerExport } from './routes/export';
import { registerExperimentalFeatures } from './routes/experimental-features';
import { registerDocumentsRead } from './routes/indexes/documents-read';
import { registerDocumentWrites } from './routes/indexes/documents-write';
import { registerExplain } from './routes/indexes/explain';
import { registerFacetSearch } from './routes/indexes/facet-search';
import { registerFields } from './routes/indexes/fields';
import { registerIndexes } from './routes/indexes/indexes';
import { registerSearch } from './routes/indexes/search';
import { registerSettings } from './routes/indexes/settings';
import { registerSimilar } from './routes/indexes/similar';
import { registerInstance } from './routes/instance';
import { registerKeys } from './routes/keys';
import { countRequests, registerMetrics } from './routes/metrics';
import { registerAliases } from './routes/miroir/aliases';
import { registerArchiveSchedules } from './routes/miroir/archive-schedules';
import { registerAuditLog } from './routes/miroir/audit';
import { registerBackups } from './routes/miroir/backups';
import { registerCanaries } from './routes/miroir/canaries';
import { registerGroups } from './routes/miroir/groups';
import { registerIndexPlacement } from './routes/miroir/index-placement';
import { registerDumpFiles } from './routes/miroir/dump-files';
import { registerImports } from './routes/miroir/imports';
import { registerCapturedQueries } from './routes/miroir/captured-queries';
import { registerMigrations } from './routes/miroir/migrations';
import { registerNodes } from './routes/miroir/nodes';
import { registerAntiEntropy } from './routes/miroir/anti-entropy';
import { registerRebuild } from './routes/miroir/rebuild';
import { registerRecovery } from './routes/miroir/recovery';
import { registerOperations } from './routes/miroir/operations';
import { registerPlacement } from './routes/miroir/placement';
import { registerRolloverPolicies } from './routes/miroir/rollover-policies';
import { registerSettingsOperations } from './routes/miroir/settings';
import { registerTopology } from './routes/miroir/topology';
import { registerTtl } from './routes/miroir/ttl';
import { registerUpgrade } from './routes/miroir/upgrade';
import { registerMultiSearch } from './routes/multi-search';
import { registerRefused } from './routes/refused';
import { registerStats } from './routes/stats';
import { registerTasks } from './routes/tasks/tasks';
import { registerWebhooks } from './routes/webhooks';

/** Every route of Miroir, in the order of the reference. A new module is added here. */
const routes: readonly ((app: FastifyInstance, ctx: ApiContext) => void)[] = [
  registerIndexes,
  registerDocumentsRead,
  registerDocumentWrites,
  registerSearch,
  registerFacetSearch,
  registerSimilar,
  registerFields,
  registerExplain,
  registerMultiSearch,
  registerSettings,
  registerTasks,
  registerKeys,
  registerStats,
  registerInstance,
  registerExperimentalFeatures,
  registerWebhooks,
  registerMetrics,
  registerDumps,
  registerExport,
  registerRefused,
  registerNodes,
  registerUpgrade,
  registerGroups,
  registerIndexPlacement,
  registerPlacement,
  registerMigrations,
  registerTopology,
  registerOperations,
  registerAuditLog,
  registerAliases,
  registerCanaries,
  registerRolloverPolicies,
  registerCapturedQueries,
  registerSettingsOperations,
  registerTtl,
  registerRecovery,
  registerRebuild,
  registerAntiEntropy,
  registerImports,
  registerDumpFiles,
  registerBackups,
  registerArchiveSchedules,
];

/** A GET search with a long filter is one long line; the engine takes 60 KB of it. */
const headerBytesMax = 128 * 1024;
/** Slow heads and bodies are looked for so often, or more often where they end sooner. */
const slowLookMs = 5_000;

/** The application without a socket: `inject` works on it as it is. */
export function buildApp(ctx: ApiContext): FastifyInstance {
  const { headersTimeoutMs, uploadTimeoutMs, connectionsMax } = ctx.config.api;
  const app = fastify({
    logger: false,
    exposeHeadRoutes: false,
    // The limit is checked as the body is read, after decompression; this one must not come first.
    bodyLimit: Number.MAX_SAFE_INTEGER,
    requestTimeout: uploadTimeoutMs,
    forceCloseConnections: 'idle',
    http: {
      maxHeaderSize: headerBytesMax,
      headersTimeout: Math.min(headersTimeoutMs, uploadTimeoutMs),
      connectionsCheckingInterval: Math.min(slowLookMs, headersTimeoutMs, uploadTimeoutMs),
    },
    rewriteUrl: (request) => decodableUrl(request.url ?? '/'),
    clientErrorHandler: answerClientError,
    routerOptions: {
      maxParamLength: 1_024,
      ignoreTrailingSlash: true,
      ignoreDuplicateSlashes: true,
    },
  });
  app.server.maxConnections = connectionsMax;
  registerErrors(app, ctx.log);
  registerCors(app);
  registerEpochUnknown(app, ctx.pod);
  registerStateLost(app, ctx.fleet);
  plainJson(app);
  // It reads answers, so it comes before they are compressed.
  registerAudit(app, ctx);
  registerCompression(app);
  registerBodies(app, ctx.config.api);
  countRequests(app, ctx.metrics, ctx.fleet);
  registerOpenApi(app);
  registerRoutes(app, ctx);
  return app;
}

/** Only the routes, for the reference that is made of them. */
export function registerRoutes(app: FastifyInstance, ctx: ApiContext): void {
  for (const register of routes) register(app, ctx);
}
