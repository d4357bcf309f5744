/** Dates and durations as Meilisearch prints them. */
import { performance } from 'node:perf_hooks';

/** Microseconds since 1970; never goes backwards within a process. */
export function nowMicros(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 1000);
}

/** RFC 3339 in UTC with six fraction digits. */
export function formatDate(micros: number): string {
  const date = new Date(Math.floor(micros / 1000)).toISOString().slice(0, -1);
  return `${date}${String(micros % 1000).padStart(3, '0')}Z`;
}

/** ISO 8601 in seconds, as `PT0.012345S`. */
export function formatDuration(micros: number): string {
  const seconds = Math.floor(micros / 1_000_000);
  return `PT${seconds}.${String(micros % 1_000_000).padStart(6, '0')}S`;
}
