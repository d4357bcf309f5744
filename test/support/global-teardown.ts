import { removeBuild } from './built';
import { keptForTeardown } from './run-state';

/** After the run: everything that the setup started has ended when this resolves. */
async function globalTeardown(): Promise<void> {
  await keptForTeardown()?.close();
  removeBuild();
}

// Jest takes the module itself; the project has no default exports.
export = globalTeardown;
