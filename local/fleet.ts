import { planFleet } from './fleet-options';
import type { FleetOptions } from './fleet-options';
import { LocalFleet } from './local-fleet';
import type { RunningFleet } from './running-fleet';

export type { FleetOptions } from './fleet-options';
export type { LocalNode, RunningFleet } from './running-fleet';

/** Starts all parts and resolves when the api is ready. On failure nothing is left running. */
export async function startFleet(options: FleetOptions = {}): Promise<RunningFleet> {
  const fleet = new LocalFleet(planFleet(options));
  try {
    await fleet.start();
  } catch (error) {
    await fleet.close();
    throw error;
  }
  return fleet;
}
