import type { Command } from 'commander';
import { registerAlias } from './commands/alias';
import { registerApi } from './commands/api';
import { registerAudit } from './commands/audit';
import { registerBackup } from './commands/backup';
import { registerCanary } from './commands/canary';
import { registerDemo } from './commands/demo';
import { registerDev } from './commands/dev';
import { registerDoctor } from './commands/doctor';
import { registerDump } from './commands/dump';
import { registerExplain } from './commands/explain';
import { registerExport } from './commands/export';
import { registerGroups } from './commands/groups';
import { registerIndexPlacement } from './commands/index-placement';
import { registerMigrate } from './commands/migrate';
import { registerNodes } from './commands/nodes';
import { registerOps } from './commands/ops';
import { registerPlacement } from './commands/placement';
import { registerPlan } from './commands/plan';
import { registerAntiEntropy } from './commands/anti-entropy';
import { registerRecover } from './commands/recover';
import { registerRollover } from './commands/rollover';
import { registerTopology } from './commands/topology';
import { registerSimulate } from './commands/simulate';
import { registerSettings } from './commands/settings';
import { registerTtl } from './commands/ttl';
import { registerWorker } from './commands/worker';

/** Every command of `miroir`, in the order that help shows them. */
export const registerCommands: readonly ((program: Command) => void)[] = [
  registerDev,
  registerDemo,
  registerApi,
  registerWorker,
  registerNodes,
  registerGroups,
  registerIndexPlacement,
  registerPlacement,
  registerPlan,
  registerSimulate,
  registerMigrate,
  registerOps,
  registerAlias,
  registerRollover,
  registerCanary,
  registerTtl,
  registerSettings,
  registerDump,
  registerExport,
  registerBackup,
  registerExplain,
  registerTopology,
  registerAudit,
  registerAntiEntropy,
  registerRecover,
  registerDoctor,
];
