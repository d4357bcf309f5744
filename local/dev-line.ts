/** What `miroir dev --json` prints when all is ready. Other tools read it: members are only added. */
export interface DevLine {
  readonly api: string;
  readonly masterKey: string;
  readonly adminKey: string;
  readonly temporal: string;
  readonly temporalUi: string | null;
  readonly redis: string;
  readonly nodes: readonly { readonly id: string; readonly url: string; readonly group: number }[];
  /** `meilisearch 1.50.0`, or `embedded`. */
  readonly engine: string;
}

/** The same for people. */
export function devTable(line: DevLine, sources: Readonly<Record<string, string>>): string {
  const rows: [string, string][] = [
    ['api', line.api],
    ['master key', line.masterKey],
    ['admin key', line.adminKey],
    ['redis', `${line.redis}  (${sources['redis'] ?? ''})`],
    ['temporal', `${line.temporal}  (${sources['temporal'] ?? ''})`],
    ...(line.temporalUi === null
      ? []
      : ([['temporal ui', line.temporalUi]] satisfies [string, string][])),
    ['engine', `${line.engine}  (${sources['nodes'] ?? ''})`],
    ...line.nodes.map((node): [string, string] => [
      node.id,
      `${node.url}  group ${String(node.group)}`,
    ]),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}
