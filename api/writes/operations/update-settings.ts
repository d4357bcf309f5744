import type { Config } from '../../../config/config';
import { defaultSettings } from '../../../core/settings/defaults';
import { physicalChanges, physicalSettings } from '../../../core/settings/physical';
import type { SettingsOutcome } from '../../../core/settings/types';
import type { IndexEntry, Settings } from '../../../core/fleet';
import type { PhysicalUid } from '../../../core/ids';
import type { FleetCache } from '../../fleet-cache';
import { creation, newEntry, newPhysicalUid, setIndex, workForHolders } from '../index-changes';
import type { JsonObject, Operation, PlanInput, WritePlan } from '../plan';
import { shardsOf } from '../quorum';
import { physicalVersionOf } from '../../settings/versions';
import { finalPlan, indexNotFound, writeName } from './common';
import { withoutSecrets } from './redact';

export interface UpdateSettingsInput {
  readonly name: string;
  /** A reset does not make an index, a change does. */
  readonly mayCreate: boolean;
  readonly defaults: Config['fleet'];
  /** Pure; its errors are the client's and come at once. */
  readonly apply: (present: Settings) => SettingsOutcome;
  /** What the task shows when it fails before the settings are applied. */
  readonly sent: JsonObject;
}

/**
 * A change of settings in its place among the writes. The catalogue has the client's settings from
 * begin on; the nodes get only what differs physically, because every settings task makes a node pass
 * over its whole index. Every node with any copy gets it, also those that take no writes now.
 */
export class UpdateSettings implements Operation {
  readonly names: readonly string[];
  readonly #newUid: PhysicalUid;

  constructor(
    private readonly input: UpdateSettingsInput,
    readonly idempotency?: { readonly key: string; readonly bodyHash: string },
  ) {
    this.names = [input.name];
    this.#newUid = newPhysicalUid(input.name);
    // The shape is checked before anything is enqueued, whatever the index looks like by then.
    const outcome = input.apply(defaultSettings());
    if (!outcome.ok && !outcome.inTask) throw outcome.error;
  }

  target(fleet: FleetCache): PhysicalUid | null {
    const found = fleet.index(writeName(fleet, this.input.name));
    if (found !== null) return found.entry.physicalUid;
    return this.input.mayCreate ? this.#newUid : null;
  }

  async plan({ fleet }: PlanInput): Promise<WritePlan> {
    const uid = writeName(fleet, this.input.name);
    const present = fleet.index(uid)?.entry ?? null;
    const task = { type: 'settingsUpdate' as const, indexUid: uid, details: this.input.sent };
    if (present === null && !this.input.mayCreate) return finalPlan(task, indexNotFound(uid));
    const now = new Date().toISOString();
    const base =
      present ??
      newEntry(fleet.current(), this.input.defaults, {
        uid,
        physicalUid: this.#newUid,
        primaryKey: null,
        now,
      });
    const outcome = this.input.apply(base.settings);
    if (!outcome.ok) return finalPlan(task, outcome.error.toBody());
    const { settings } = outcome;
    const details = withoutSecrets(outcome.details) as JsonObject;
    const changed =
      present === null
        ? {}
        : physicalChanges(physicalSettings(base.settings), physicalSettings(settings));
    const sends = Object.keys(changed).length > 0;
    const settingsVersion = present === null ? base.settingsVersion : base.settingsVersion + 1;
    const entry: IndexEntry = {
      ...base,
      settings,
      settingsVersion,
      physicalSettingsVersion: sends ? settingsVersion : physicalVersionOf(base),
      updatedAt: now,
    };
    const shards = shardsOf(entry, sends ? 'all' : []);
    return {
      physicalUid: entry.physicalUid,
      entry,
      type: 'settingsUpdate',
      indexUid: uid,
      details,
      // Should the nodes refuse it while they apply it, the catalogue goes back to these.
      extra: sends ? { settingsBefore: base.settings, settingsVersion: entry.settingsVersion } : {},
      // No shard is fenced by settings and none has to journal them: every copy gets them.
      shards: [],
      journal: null,
      sequences: 0,
      changes: present === null ? creation(entry) : [setIndex(entry)],
      audit: {
        who: 'client',
        why: 'settings route',
        what: `settings version ${entry.settingsVersion}`,
      },
      final: sends || present === null ? null : { error: null, details },
      work: () =>
        sends
          ? workForHolders(entry, shards, [{ kind: 'settings', settings: changed }])
          : workForHolders(entry, [], []),
    };
  }
}
