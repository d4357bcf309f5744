/** `/__faults`: fault injection over HTTP, for nodes in other processes. */
import { toPlain } from '../engine/json';
import { ApiError } from '../errors';
import type { FaultRule } from '../faults';
import { ok } from '../http/answer';
import { jsonBody } from '../http/request';
import type { Router } from '../http/router';
import * as check from '../http/validate';
import type { EmbeddedNode } from '../node';

function badRequest(error: unknown): ApiError {
  return new ApiError('bad_request', error instanceof Error ? error.message : String(error));
}

/** POST adds a rule and answers its id, GET lists, DELETE removes one (`?id=`) or all. */
export function addFaultRoutes(router: Router, node: EmbeddedNode): void {
  router.add('POST', '/__faults', (request) => {
    const body = check.asStruct(
      jsonBody(request),
      ['method', 'path', 'count', 'action'],
      check.ROOT,
    );
    check.asObject(body.get('action') ?? null, check.child(check.ROOT, 'action'));
    try {
      return ok({ id: node.faults.add(toPlain(body) as FaultRule) });
    } catch (error) {
      throw badRequest(error);
    }
  });
  router.add('GET', '/__faults', () => ok({ results: node.faults.list() }));
  router.add('DELETE', '/__faults', (request) => {
    const id = request.query.get('id');
    node.faults.clear(id === undefined ? undefined : Number(id));
    return { status: 204 };
  });
}
