import type { FastifyInstance } from 'fastify';
import { MeiliError } from '../../core/errors';
import type { FleetCache } from '../fleet-cache';

export function stateLost(): MeiliError {
  return new MeiliError(
    'miroir_state_lost',
    'Redis has an older state of the fleet than was seen before, so nothing is changed by it. Run `miroir recover`.',
  );
}

/** Operators repair it by their own routes, and `/health` is what it is for the process alone. */
const open = /^\/(_miroir\/|health$)/;

/**
 * A pod that only has a state below one that was seen would answer with indexes that are gone, or with
 * none. A pod that still has the newest state in memory goes on answering searches by it.
 */
export function registerStateLost(app: FastifyInstance, fleet: FleetCache): void {
  app.addHook('onRequest', async (request) => {
    const path = request.url.split('?', 1)[0] ?? '';
    if (fleet.lost() && !open.test(path)) throw stateLost();
  });
}
