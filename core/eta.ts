/** What one sync of an operation has copied, and since when. */
export interface SyncProgress {
  readonly documents: number;
  /** Milliseconds since 1970; null: it has not begun. */
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
}

export interface EtaInput {
  /** Documents of all syncs, as planned. */
  readonly documents: number;
  /** The rate of one sync that the plan reckoned with. */
  readonly plannedPerSecond: number;
  readonly parallelSyncs: number;
  readonly syncs: readonly SyncProgress[];
  readonly now: number;
  readonly over: boolean;
}

export interface Eta {
  readonly documentsDone: number;
  readonly documentsTotal: number;
  readonly documentsPerSecond: number;
  /** False: too little was copied to tell, so the rate is the plan's. */
  readonly measured: boolean;
  readonly secondsLeft: number;
}

/** Less says more about barriers than about the rate. */
const measuredDocumentsMin = 200;
const measuredMsMin = 1_000;

/** How far an operation is and when it will be done, at the rate that it has had so far. */
export function etaOf(input: EtaInput): Eta {
  const { documents: total, syncs, now, over } = input;
  const copied = syncs.reduce((sum, sync) => sum + sync.documents, 0);
  const begun = syncs.flatMap(({ startedAt }) => (startedAt === null ? [] : [startedAt]));
  const since = Math.min(...begun, now);
  const allDone = begun.length === syncs.length && syncs.every((one) => one.finishedAt !== null);
  const until = allDone ? Math.max(since, ...syncs.map((one) => one.finishedAt ?? now)) : now;
  const ms = until - since;
  const measured = copied >= measuredDocumentsMin && ms >= measuredMsMin;
  const targets = Math.max(1, Math.min(input.parallelSyncs, syncs.length));
  const rate = measured ? (copied / ms) * 1_000 : input.plannedPerSecond * targets;
  const left = over || allDone ? 0 : Math.max(0, total - copied);
  return {
    ...{ documentsDone: copied, documentsTotal: Math.max(total, copied), measured },
    documentsPerSecond: Math.round(rate),
    secondsLeft: rate <= 0 ? 0 : Math.ceil(left / rate),
  };
}
