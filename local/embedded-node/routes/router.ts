/** All routes of the embedded node, in one list. */
import { Router } from '../http/router';
import type { EmbeddedNode } from '../node';
import { addDocumentReads } from './documents-read';
import { addDocumentWrites } from './documents-write';
import { addFaultRoutes } from './faults';
import { addIndexRoutes } from './indexes';
import { addInstanceRoutes } from './instance';
import { addKeyRoutes } from './keys';
import { addSearchRoutes } from './search';
import { addSettingsRoutes } from './settings';
import { addTaskRoutes } from './tasks';

export function buildRouter(node: EmbeddedNode): Router {
  const router = new Router();
  addInstanceRoutes(router, node);
  addIndexRoutes(router, node);
  addDocumentReads(router, node);
  addDocumentWrites(router, node);
  addSearchRoutes(router, node);
  addSettingsRoutes(router, node);
  addTaskRoutes(router, node);
  addKeyRoutes(router, node);
  addFaultRoutes(router, node);
  return router;
}
