import type { FastifyRequest, onRequestAsyncHookHandler } from 'fastify';
import { MeiliError } from '../../../core/errors';
import type { JsonValue } from '../../../core/fleet';
import { authorizeAdmin } from '../../auth/authorize';

import type { ApiContext } from '../../context';
import { parseJsonBody } from '../../http/json-body';
import type { TemporalGateway } from '../../temporal-gateway';

/**
 * What every operators' route but `/ready` is registered with. Bodies are optional there, also on
 * DELETE, so they are read by `operatorBody` and need no content type.
 */
export function operatorRoute(ctx: ApiContext): {
  onRequest: onRequestAsyncHookHandler;
  config: { body: 'none'; audited: true };
} {
  return { onRequest: authorizeAdmin(ctx), config: { body: 'none', audited: true } };
}

/** An empty body is an empty object: most verbs need none. */
export function operatorBody(request: FastifyRequest): JsonValue {
  return request.rawBody.length === 0 ? {} : parseJsonBody(request.rawBody);
}

export function temporalOf(ctx: ApiContext): TemporalGateway {
  if (ctx.temporal !== null) return ctx.temporal;
  throw new MeiliError(
    'miroir_control_plane_unavailable',
    'This pod was started without Temporal, so it cannot start or steer operations.',
  );
}
