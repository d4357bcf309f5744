import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { FleetPlan } from './fleet-options';

/** What must be the same when a fleet with a data directory is started again. */
export interface FleetState {
  masterKey: string;
  adminKey: string;
  nodeKey: string;
  /** Redis prefix and Temporal task queue: of this fleet only. */
  name: string;
  /** Part → port, as `meili-0`; taken again when it is free. */
  ports: Record<string, number>;
}

export interface StateFile {
  readonly directory: string;
  readonly temporary: boolean;
  readonly state: FleetState;
  save(): void;
}

/** The state of the data directory, or a new one in a temporary directory. */
export function openState(plan: FleetPlan): StateFile {
  const temporary = plan.dataDirectory === null;
  const directory =
    plan.dataDirectory === null
      ? mkdtempSync(join(tmpdir(), 'miroir-'))
      : resolve(plan.dataDirectory);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, 'fleet.json');
  const state = withGivenKeys(read(path) ?? fresh(plan), plan.env);
  const save = (): void => {
    // Written beside and renamed: a crash leaves the old file or the new one. It holds keys.
    writeFileSync(`${path}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  };
  save();
  return { directory, temporary, state, save };
}

function read(path: string): FleetState | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as FleetState;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new Error(`${path} cannot be read; it holds the keys of this fleet.`, { cause: error });
  }
}

function fresh({ env }: FleetPlan): FleetState {
  // A fleet of running nodes on a running Redis is meant to be found again under the usual name.
  const all = ['REDIS_URL', 'MIROIR_NODES'].every((name) => (env[name] ?? '') !== '');
  return {
    masterKey: key(),
    adminKey: key(),
    nodeKey: key(),
    name: all ? 'miroir' : `miroir-${randomBytes(3).toString('hex')}`,
    ports: {},
  };
}

function withGivenKeys(state: FleetState, env: NodeJS.ProcessEnv): FleetState {
  return {
    ...state,
    masterKey: given(env['MIROIR_MASTER_KEY']) ?? state.masterKey,
    adminKey: given(env['MIROIR_ADMIN_KEY']) ?? state.adminKey,
    nodeKey: given(env['MIROIR_NODE_KEY']) ?? state.nodeKey,
    name: given(env['MIROIR_REDIS_PREFIX']) ?? state.name,
  };
}

function given(value: string | undefined): string | null {
  return value === undefined || value === '' ? null : value;
}

function key(): string {
  return randomBytes(24).toString('hex');
}
