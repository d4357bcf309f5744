import type { OperationState } from '../operation-state';

const cell = (text: string): string => text.replace(/[|\r\n]+/g, ' ').slice(0, 300);

/** Where a run is, as Markdown for Temporal's page; it stands in no history. */
export function detailsOf(state: OperationState): string {
  const { phase, status, done, total, documentsCopied, waitingFor, documentsPerSecond } = state;
  const moves = state.plan !== null && 'syncs' in state.plan ? state.plan : null;
  const rows: readonly (readonly [string, string | null])[] = [
    ['phase', state.paused && !state.over ? `${phase}, paused` : phase],
    ['status', status],
    ['done', total === 0 ? null : `${String(done)} of ${String(total)}`],
    ['documents copied', documentsCopied === 0 ? null : String(documentsCopied)],
    ['waits for', waitingFor],
    ['reads from', state.readFrom === null ? null : state.readFrom.join(', ')],
    ['left, leaving, on', state.leftOn],
    ['throttle', documentsPerSecond === null ? null : `${String(documentsPerSecond)} a second`],
    [
      'plan',
      moves === null
        ? null
        : `${String(moves.syncs.length)} pairs of nodes, ${String(moves.documents)} documents, about ${moves.minutes.toFixed(1)} minutes, for epoch ${String(moves.epoch)}`,
    ],
    ['approved by', state.approvedBy],
    ['cancelled by', state.canceledBy],
    ['reversed by', state.reversedBy],
    ['reverse refused', state.reverseRefused],
    ['way back', wayBack(state)],
    ['error', state.error],
  ];
  const shown = rows.filter((row): row is readonly [string, string] => row[1] !== null);
  return ['| | |', '|-|-|', ...shown.map(([name, value]) => `| ${name} | ${cell(value)} |`)].join(
    '\n',
  );
}

function wayBack({ over, cancellable, reversible }: OperationState): string | null {
  if (over) return null;
  if (cancellable) return '`cancel` undoes it';
  return reversible ? '`reverse` flips back' : 'none: it is past its point of no return';
}
