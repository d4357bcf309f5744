import { readFileSync } from 'node:fs';

/** Resident megabytes of some processes, `seconds` after the first look. */
export interface MemorySample {
  readonly seconds: number;
  readonly mib: Readonly<Record<string, number>>;
}

const samplesMax = 120;

/**
 * Looks at processes until it is stopped, the last time when it is: what lives at both ends has two samples,
 * however short the run was. When there are too many samples, every second one goes.
 */
export function watchMemory(pids: () => Readonly<Record<string, number>>): {
  stop(): MemorySample[];
} {
  let samples: MemorySample[] = [];
  let everyMs = 250;
  let stopped = false;
  let timer: NodeJS.Timeout;
  const started = performance.now();
  const sample = (): void => {
    const mib: Record<string, number> = {};
    for (const [name, pid] of Object.entries(pids())) {
      const resident = residentMib(pid);
      if (resident !== null) mib[name] = resident;
    }
    const seconds = Number(((performance.now() - started) / 1_000).toFixed(1));
    samples.push({ seconds, mib });
  };
  const look = (): void => {
    sample();
    if (samples.length >= samplesMax) {
      samples = samples.filter((_, at) => at % 2 === 0);
      everyMs *= 2;
    }
    timer = setTimeout(look, everyMs);
  };
  look();
  return {
    stop() {
      if (!stopped) sample();
      stopped = true;
      clearTimeout(timer);
      return samples;
    },
  };
}

/** Null: the process has ended. */
function residentMib(pid: number): number | null {
  try {
    const found = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'));
    return found === null ? null : Number((Number(found[1]) / 1_024).toFixed(1));
  } catch {
    return null;
  }
}

const width = 600;
const height = 200;
const margin = 40;
const colours = ['#1f6feb', '#d29922'];

/** A line for each process over time, as SVG. A process that was killed has a gap. */
export function memoryPlot(samples: readonly MemorySample[], title: string): string {
  const names = [...new Set(samples.flatMap(({ mib }) => Object.keys(mib)))].sort();
  const top = Math.max(1, ...samples.flatMap(({ mib }) => Object.values(mib)));
  const end = Math.max(1, samples.at(-1)?.seconds ?? 1);
  const point = (seconds: number, mib: number): string =>
    `${(margin + (seconds / end) * width).toFixed(1)} ${(margin + height * (1 - mib / top)).toFixed(1)}`;
  const path = (name: string): string => {
    let drawn = '';
    let broken = true;
    for (const { seconds, mib } of samples) {
      const value = mib[name];
      if (value !== undefined) drawn += `${broken ? 'M' : 'L'}${point(seconds, value)}`;
      broken = value === undefined;
    }
    return drawn;
  };
  const label = (x: number, y: number, content: string, colour = '#57606a'): string =>
    `<text x="${String(x)}" y="${String(y)}" fill="${colour}">${content}</text>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(width + 2 * margin)} ${String(height + 2 * margin)}" font-family="sans-serif" font-size="12">`,
    label(
      margin,
      16,
      `${title}: ${top.toFixed(0)} MiB at the top, ${end.toFixed(0)} s at the right`,
    ),
    ...names.map((name, at) => label(margin + 90 * at, 32, name, colours[at])),
    `<path d="M${point(0, top)}L${point(0, 0)}L${point(end, 0)}" fill="none" stroke="#57606a"/>`,
    ...names.map(
      (name, at) => `<path d="${path(name)}" fill="none" stroke="${colours[at] ?? '#000'}"/>`,
    ),
    '</svg>\n',
  ].join('\n');
}
