import type { Fleet } from '../../core/fleet';
import type { ApiContext } from '../context';

/** Gauges of what an operator does to indexes through the years; the same on every pod. */
export async function setLifeGauges(ctx: ApiContext, fleet: Fleet): Promise<void> {
  setSettingsGauges(ctx, fleet);
  await setTtlGauges(ctx, fleet);
  await setAliasGauges(ctx, fleet);
  await setCanaryGauges(ctx);
}

function setSettingsGauges({ metrics }: ApiContext, { indexes }: Fleet): void {
  metrics.gauge(
    'miroir_settings_version',
    'Version of the settings of each index',
    indexes.map(({ uid, settingsVersion }) => ({ labels: { index: uid }, value: settingsVersion })),
  );
  metrics.gauge(
    'miroir_settings_drifted_nodes',
    'Nodes whose settings of an index were changed behind the fleet',
    indexes.map(({ uid, drifted }) => ({ labels: { index: uid }, value: drifted?.length ?? 0 })),
  );
}

async function setTtlGauges({ metrics, store }: ApiContext, { indexes }: Fleet): Promise<void> {
  const expiring = indexes.filter(({ ttl }) => ttl !== undefined);
  const sweeps = await Promise.all(
    expiring.map(async ({ uid, physicalUid }) => ({
      labels: { index: uid },
      sweep: await store.ttlSweeps.get(physicalUid),
    })),
  );
  metrics.gauge(
    'miroir_ttl_documents_expired_total',
    'Documents that sweeps deleted since the index has a TTL',
    sweeps.map(({ labels, sweep }) => ({ labels, value: sweep?.deletedTotal ?? 0 })),
  );
  metrics.gauge(
    'miroir_ttl_pending_estimate',
    'Expired documents that the last sweep left',
    sweeps.map(({ labels, sweep }) => ({ labels, value: sweep?.left ?? 0 })),
  );
  metrics.gauge(
    'miroir_ttl_sweep_duration_seconds',
    'How long the last sweep took',
    sweeps.map(({ labels, sweep }) => ({ labels, value: (sweep?.durationMs ?? 0) / 1_000 })),
  );
}

async function setAliasGauges({ metrics, store }: ApiContext, fleet: Fleet): Promise<void> {
  metrics.gauge(
    'miroir_alias_flips_total',
    'How often an alias was flipped since it was made',
    fleet.aliases.map(({ name, flips, history }) => ({
      labels: { alias: name },
      value: flips ?? history.length,
    })),
  );
  const policies = await store.rolloverPolicies.list();
  const lastFlip = (alias: string): number =>
    Date.parse(fleet.aliases.find(({ name }) => name === alias)?.history.at(-1)?.at ?? '');
  metrics.gauge(
    'miroir_rollover_active_indexes',
    'Indexes that the read alias of a policy names',
    policies.map(({ name, readAlias, writeAlias }) => ({
      labels: { policy: name },
      value:
        fleet.aliases.find((alias) => alias.name === (readAlias ?? writeAlias))?.targets.length ??
        0,
    })),
  );
  metrics.gauge(
    'miroir_rollover_last_action_seconds',
    'Seconds since the write alias of a policy was last flipped',
    policies
      .map(({ name, writeAlias }) => ({
        labels: { policy: name },
        value: (Date.now() - lastFlip(writeAlias)) / 1_000,
      }))
      .filter(({ value }) => !Number.isNaN(value)),
  );
}

async function setCanaryGauges({ metrics, store }: ApiContext): Promise<void> {
  const canaries = await store.canaries.list();
  const last = await Promise.all(
    canaries.map(async ({ id }) => ({
      labels: { canary: id },
      run: (await store.canaryRuns.list(id, 1))[0],
    })),
  );
  const ran = last.flatMap(({ labels, run }) => (run === undefined ? [] : [{ labels, run }]));
  metrics.gauge(
    'miroir_canary_green',
    'Whether the last run of a canary fulfilled its assertions',
    ran.map(({ labels, run }) => ({ labels, value: run.ok ? 1 : 0 })),
  );
  metrics.gauge(
    'miroir_canary_latency_ms',
    'How long the search of the last run took',
    ran.map(({ labels, run }) => ({ labels, value: run.latencyMs })),
  );
  metrics.gauge(
    'miroir_canary_assertion_failures',
    'Assertions that did not hold in the last run',
    ran.map(({ labels, run }) => ({ labels, value: run.failures.length })),
  );
}
