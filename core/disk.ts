/**
 * How full a node is. `high`: no shard is moved there any more. `full`: what makes it grow is refused,
 * while deletes, which make room, go on.
 */
export type DiskState = 'ok' | 'high' | 'full';

export interface DiskMarks {
  readonly noMovesAt: number;
  readonly noGrowthAt: number;
  readonly hysteresis: number;
}

/**
 * The state after a look. A mark is passed at its value and left behind only `hysteresis` below it, so
 * that a node at a mark does not change its mind with every document.
 */
export function nextDiskState(before: DiskState, use: number, marks: DiskMarks): DiskState {
  const { noMovesAt, noGrowthAt, hysteresis } = marks;
  const holds = (passed: boolean, mark: number): boolean =>
    use >= mark || (passed && use > mark - hysteresis);
  if (holds(before === 'full', noGrowthAt)) return 'full';
  return holds(before !== 'ok', noMovesAt) ? 'high' : 'ok';
}

/**
 * Size and free bytes of one mount point in what a node exporter says, or null when it does not name it.
 */
export function readNodeExporter(
  text: string,
  mountpoint: string,
): { readonly size: number; readonly free: number } | null {
  const value = (metric: string): number | null => {
    for (const line of text.split('\n')) {
      if (!line.startsWith(`${metric}{`)) continue;
      const end = line.lastIndexOf('}');
      if (!line.slice(0, end).includes(`mountpoint="${mountpoint}"`)) continue;
      const number = Number(
        line
          .slice(end + 1)
          .trim()
          .split(' ')[0],
      );
      if (Number.isFinite(number) && number >= 0) return number;
    }
    return null;
  };
  const size = value('node_filesystem_size_bytes');
  const free = value('node_filesystem_avail_bytes');
  return size === null || free === null || size === 0 ? null : { size, free };
}
