import { benchApi } from './http/api';
import { benchImport } from './import';
import { benchMerge } from './merge';
import { benchMoves } from './moves';
import { benchPlace } from './place';
import { benchRedisMemory } from './redis-memory-rows';
import type { Row } from './row';
import { benchScan } from './scan';
import type { Size } from './workload';
import { benchWrites } from './writes';

export type Bench = (size: Size, runs: number) => readonly Row[] | Promise<readonly Row[]>;

/** By the name of the workload that each one runs. */
export const benches: Readonly<Record<string, Bench | undefined>> = {
  api: benchApi,
  import: benchImport,
  merge: benchMerge,
  moves: benchMoves,
  place: benchPlace,
  'redis-memory': benchRedisMemory,
  scan: benchScan,
  writes: benchWrites,
};
