/** What a page tells its reader to type, or to expect, in the order in which it stands there. */
export type PagePart =
  | { readonly kind: 'command'; readonly text: string }
  /** A block of output, which belongs to the commands before it. */
  | { readonly kind: 'output'; readonly text: string };

/**
 * The commands of the `sh` blocks and of the code spans that begin with `miroir`, and the `text` blocks. A
 * command may go on over lines that end with `\`, in single quotes, and over a here-document.
 */
export function partsOfPage(markdown: string): PagePart[] {
  const parts: PagePart[] = [];
  const pattern = /```(\w+)\n([^]*?)```|`(miroir [^`]+)`/g;
  for (const [, language, block = '', span] of markdown.matchAll(pattern)) {
    if (span !== undefined) {
      parts.push({ kind: 'command', text: span.replace(/\s+/g, ' ') });
    } else if (language === 'sh') {
      parts.push(...commandsOf(block).map((text): PagePart => ({ kind: 'command', text })));
    } else if (language === 'text') {
      parts.push({ kind: 'output', text: block });
    }
  }
  return parts;
}

function commandsOf(block: string): string[] {
  const commands: string[] = [];
  let open = '';
  let until: string | null = null;
  for (const line of block.split('\n')) {
    if (open === '' && (line.trim() === '' || line.startsWith('#'))) continue;
    open += `${line}\n`;
    until ??= /<<'(\w+)'/.exec(line)?.[1] ?? null;
    const goesOn = until === null ? line.endsWith('\\') || isQuoteOpen(open) : line !== until;
    if (goesOn) continue;
    commands.push(open.trim());
    open = '';
    until = null;
  }
  return commands;
}

/** Apostrophes in remarks and in double quotes open nothing. */
const isQuoteOpen = (text: string): boolean =>
  text.replace(/"[^"\n]*"|\s#.*$/gm, '').split("'").length % 2 === 0;

/** Lines without what differs from one run to the next: times, numbers, widths of columns. */
export const linesWithoutFigures = (text: string): string[] =>
  text
    .split('\n')
    .map((line) =>
      line
        .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
        .replace(/\b\d+(\.\d+)?\b/g, '<n>')
        .replace(/-{3,}/g, '---')
        .replace(/\s+/g, ' ')
        .trim(),
    )
    .filter((line) => line !== '');
