/** Text for a person at a terminal: tables, a progress bar, headings. No colour where nobody asked for it. */

export interface Screen {
  line(text?: string): void;
  heading(text: string): void;
  table(header: readonly string[], rows: readonly (readonly (string | number)[])[]): void;
  /** Redraws one line while the output is a terminal, and writes only the last state otherwise. */
  bar(label: string): Bar;
}

export interface Bar {
  set(done: number, total: number, note?: string): void;
  end(note?: string): void;
}

const barWidth = 28;

export function createScreen(out: NodeJS.WriteStream): Screen {
  const write = (text: string): void => void out.write(text);
  const bold = (text: string): string => (out.isTTY ? `\u001b[1m${text}\u001b[0m` : text);
  return {
    line: (text = '') => write(`${text}\n`),
    heading: (text) => write(`\n${bold(text)}\n`),
    table: (header, rows) => write(tableText(header, rows)),
    bar: (label) => createBar(out, label),
  };
}

/** Columns as wide as their widest cell; numbers to the right, texts to the left. */
export function tableText(
  header: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const widths = header.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => String(row[column] ?? '').length)),
  );
  const cell = (value: string | number, column: number): string => {
    const width = widths[column] ?? 0;
    return typeof value === 'number' ? String(value).padStart(width) : value.padEnd(width);
  };
  const print = (row: readonly (string | number)[]): string =>
    `  ${row.map(cell).join('  ').trimEnd()}\n`;
  return print(header) + print(widths.map((width) => '-'.repeat(width))) + rows.map(print).join('');
}

function createBar(out: NodeJS.WriteStream, label: string): Bar {
  let last = '';
  const draw = (done: number, total: number, note: string): string => {
    const share = total === 0 ? 1 : Math.min(1, done / total);
    const full = Math.round(share * barWidth);
    const bar = '#'.repeat(full) + '.'.repeat(barWidth - full);
    return `  ${label} [${bar}] ${done}/${total}${note === '' ? '' : `  ${note}`}`;
  };
  return {
    set: (done, total, note = '') => {
      last = draw(done, total, note);
      if (out.isTTY) out.write(`\r\u001b[2K${last}`);
    },
    end: (note = '') => {
      const text = note === '' ? last : `${last}  ${note}`;
      out.write(out.isTTY ? `\r\u001b[2K${text}\n` : `${text}\n`);
    },
  };
}
