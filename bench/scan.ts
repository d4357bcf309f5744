import { skipValue } from '../core/json/scan';
import { row } from './row';
import type { Row } from './row';
import { byTurns } from './spread';
import { sizeOf } from './workload';
import type { Size } from './workload';
import { documentsWorkload } from './workloads/documents';

/** The whole syntax check of a payload's bytes, against making values of them. */
export function benchScan(size: Size, runs: number): Row[] {
  const { bytes } = documentsWorkload(sizeOf(size, 'documents'));
  const perSecond = (times: readonly number[]): number[] =>
    times.map((ms) => bytes.length / 1e6 / (ms / 1_000));
  const times = byTurns(
    runs,
    () => skipValue(bytes, 0),
    // A request's body comes as bytes, so turning them into text is a part of parsing them.
    () => JSON.parse(new TextDecoder().decode(bytes)),
  );
  return [
    row({
      name: 'scan.bytes/parse',
      unit: 'MB/cpu-s',
      better: 'higher',
      against: 'JSON.parse',
      ours: perSecond(times.ours),
      theirs: perSecond(times.theirs),
    }),
  ];
}
