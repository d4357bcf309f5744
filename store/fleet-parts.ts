import type { Redis } from 'ioredis';
import type { Channels } from './channels';
import type { Keys } from './keys';
import type { WaitAof } from './options';
import type { ScriptRunner } from './script';

/** What the changes of the fleet are made with. */
export interface FleetStoreParts {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly scripts: ScriptRunner;
  readonly channels: Channels;
  readonly waitAof: WaitAof;
}
