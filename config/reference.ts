import { isRequired } from './load';
import { otherVariables, paths, table } from './table';
import type { Setting } from './setting';

/** The text of `docs/reference/configuration.md`, made from the table. */
export function configurationReference(): string {
  return `${[
    '# Configuration',
    '',
    'Made from `config/table.ts` by `node dist/config/write-reference.js`; do not edit.',
    '',
    'Every setting can stand in the environment or in a YAML file (`MIROIR_CONFIG`); the environment wins.',
    'Secrets are never printed. Rules between settings are in `config/rules.ts`; a broken rule stops the start',
    'and says why.',
    '',
    ...markdownTable([
      ['setting', 'variable', 'kind', 'default', 'meaning'],
      ...paths.map((path) => row(path, table[path] as Setting<unknown>)),
    ]),
    '',
    '## Other variables',
    '',
    ...markdownTable([
      ['variable', 'meaning'],
      ...Object.entries(otherVariables).map(([env, about]) => [`\`${env}\``, about]),
    ]),
  ].join('\n')}\n`;
}

function row(path: string, setting: Setting<unknown>): string[] {
  const about = setting.secret === true ? `${setting.about} Secret.` : setting.about;
  return [`\`${path}\``, `\`${setting.env}\``, setting.kind.name, shown(setting), about];
}

function shown({ default: value }: Setting<unknown>): string {
  if (isRequired(value)) return '**must be set**';
  if (value === null) return 'none';
  const isEmpty = typeof value === 'object' && Object.keys(value).length === 0;
  return isEmpty ? 'empty' : `\`${String(value)}\``;
}

/** Columns are padded as the project's formatter does it, so that the page passes its check. */
function markdownTable(rows: readonly (readonly string[])[]): string[] {
  const [head = []] = rows;
  const widths = head.map((_, at) => Math.max(...rows.map((cells) => cells[at]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, at) => (cells[at] ?? '').padEnd(width)).join(' | ')} |`;
  const rule = line(widths.map((width) => '-'.repeat(width)));
  return rows.flatMap((cells, at) => (at === 0 ? [line(cells), rule] : [line(cells)]));
}
