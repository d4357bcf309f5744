import type { FastifyRequest } from 'fastify';
import { MeiliError } from '../../../core/errors';
import type { JsonValue } from '../../../core/fleet';
import type { Origin } from '../../../core/operations';
import { operatorBody } from './operator-route';

const originTextMax = 200;

/**
 * Who asks for an operation and why, from the body (`who`, `why`); both stand in the topology log, in
 * the run's input and in its view, so they are bounded and may not be anything but text.
 */
export function originOf(request: FastifyRequest): Origin {
  const body = operatorBody(request) as { who?: JsonValue; why?: JsonValue };
  return { who: text(body.who, 'who', 'operator'), why: text(body.why, 'why', '') };
}

function text(value: JsonValue | undefined, name: string, otherwise: string): string {
  if (value === undefined || value === null) return otherwise;
  if (typeof value === 'string' && value.length <= originTextMax) return value;
  throw new MeiliError(
    'bad_request',
    `Invalid value at \`.${name}\`: expected a text of at most ${originTextMax} characters`,
  );
}
