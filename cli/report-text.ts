import type { Operation } from './operations';

type Fields = { readonly [member: string]: unknown };

/**
 * What a run found or did, for a person, a line each; empty where its view has nothing to say yet. Runs
 * that look after indexes have a report in their progress; dumps, backups, imports and drills have theirs
 * in the place of a plan, once they are over.
 */
export function reportText(view: Operation): readonly string[] {
  const report = objectOf((view.progress as unknown as Fields)['report']);
  const shown = objectOf(view.plan);
  switch (view.kind) {
    case 'rollover':
      return report === null ? [] : rolloverText(report);
    case 'canary':
      return report === null ? [] : canaryText(report);
    case 'ttl':
      return report === null ? [] : sweepText(report);
    case 'settings-check':
      return report === null ? [] : settingsText(report);
    case 'dump':
    case 'backup':
      return shown === null ? [] : archiveText(shown);
    case 'restore-drill':
      return shown === null ? [] : drillText(shown);
    case 'import':
      return shown === null ? [] : importText(shown);
    default:
      return [];
  }
}

function rolloverText(report: Fields): string[] {
  const { outcome, reason, from, to } = report;
  const deleted = listOf(report['deleted']);
  const doomed = listOf(report['doomed']);
  const targets = report['readTargets'] === null ? [] : listOf(report['readTargets']);
  const read = targets.length === 0 ? [] : [`Read alias: ${targets.join(', ')}`];
  if (outcome === 'dry-run') {
    return [
      `It is due: ${text(reason)}.`,
      `A new index ${text(to)} would follow ${text(from ?? 'nothing')}.`,
      ...read,
      `Deleted would be: ${namesOf(doomed)}`,
    ];
  }
  if (to === null) return [`Nothing was to do: ${text(reason)}.`];
  const spared = doomed.filter((uid) => !deleted.includes(uid));
  return [
    `It was due: ${text(reason)}.`,
    `The new index ${text(to)} follows ${text(from ?? 'nothing')}.`,
    ...read,
    `Deleted: ${namesOf(deleted)}`,
    ...(spared.length === 0 ? [] : [`Kept, because an alias names it: ${namesOf(spared)}`]),
  ];
}

function canaryText({ ok, latencyMs, failures }: Fields): string[] {
  return [
    `${ok === true ? 'Green' : 'Red'}, answered in ${text(latencyMs)} ms.`,
    ...listOf(failures),
  ];
}

function sweepText({ indexes, deleted, left, failed }: Fields): string[] {
  return [
    `${text(deleted)} expired documents of ${text(indexes)} indexes were deleted, ${text(left)} are left to the next sweep.`,
    ...reasonsOf(failed),
  ];
}

function settingsText(report: Fields): string[] {
  const drifted = objectsOf(report['drifted']).flatMap(({ index, nodes }) =>
    objectsOf(nodes).map(
      ({ node, settings }) =>
        `${text(index)} differs on ${text(node)}: ${namesOf(listOf(settings))}`,
    ),
  );
  const repaired = listOf(report['repaired']);
  const unanswered = listOf(report['unanswered']);
  return [
    `${text(report['indexes'])} indexes were compared, ${drifted.length === 0 ? 'none' : 'some'} differ.`,
    ...drifted,
    ...(repaired.length === 0 ? [] : [`Repaired: ${namesOf(repaired)}`]),
    ...reasonsOf(report['failed']),
    ...(unanswered.length === 0 ? [] : [`Could not be asked: ${namesOf(unanswered)}`]),
  ];
}

function archiveText(report: Fields): string[] {
  const indexes = objectsOf(report['indexes']);
  const documents = indexes.reduce((sum, one) => sum + Number(one['documents']), 0);
  const deleted = listOf(report['deleted']);
  return [
    `${text(report['file'] ?? report['id'])}: ${String(documents)} documents of ${String(indexes.length)} indexes.`,
    ...(deleted.length === 0 ? [] : [`Deleted because newer ones are kept: ${namesOf(deleted)}`]),
  ];
}

function drillText({ backup, ok, documents, seconds, failures }: Fields): string[] {
  const took = Number(seconds).toFixed(1);
  return [
    ok === true
      ? `${text(backup)} holds: ${text(documents)} documents were restored and compared in ${took} s.`
      : `${text(backup ?? 'Nothing')} does not hold:`,
    ...listOf(failures),
  ];
}

function importText({ outcome, documents, setAside, keys, policies }: Fields): string[] {
  if (outcome !== 'done') return [];
  return [
    `${text(documents)} documents and ${text(keys)} keys were imported, ${text(setAside)} documents were set aside.`,
    ...(Number(policies ?? 0) === 0 ? [] : [`${text(policies)} policies and canaries were made.`]),
  ];
}

const text = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
const namesOf = (names: readonly string[]): string => names.join(', ') || 'nothing';

const reasonsOf = (failed: unknown): string[] =>
  objectsOf(failed).map(({ physicalUid, reason }) => `${text(physicalUid)}: ${text(reason)}`);

const objectOf = (value: unknown): Fields | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;
const listOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
const objectsOf = (value: unknown): Fields[] =>
  Array.isArray(value) ? value.map(objectOf).filter((one) => one !== null) : [];
