import { readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { nodesFromUrls } from './bootstrap-nodes';
import type { BootstrapNode, Config } from './config';
import { brokenRules } from './rules';
import { paths, table } from './table';
import type { Path, Required } from './setting';

export interface LoadOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Path of a YAML file; `MIROIR_CONFIG` otherwise. */
  readonly file?: string;
}

/** All problems of a configuration at once. Messages name settings, never the values of secrets. */
export class ConfigError extends Error {
  readonly code = 'config_invalid';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The configuration cannot be used:\n${problems.map((line) => `  - ${line}`).join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/**
 * The checked configuration: defaults, over them the YAML file, over it the environment. Throws
 * `ConfigError` with everything that is wrong.
 */
export function loadConfig({ env, file = env['MIROIR_CONFIG'] }: LoadOptions): Config {
  const problems: string[] = [];
  const fromFile = file === undefined || file === '' ? new Map() : readFile(file, problems);
  const sections: Record<string, Record<string, unknown>> = {};
  for (const path of paths) {
    const [section, name] = split(path);
    (sections[section] ??= {})[name] = valueOf(path, env, { fromFile, problems });
  }
  if (problems.length > 0) throw new ConfigError(problems);
  const config = withNodes(sections as unknown as Config, env, problems);
  problems.push(...brokenRules(config));
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

function valueOf(
  path: Path,
  env: LoadOptions['env'],
  { fromFile, problems }: { fromFile: ReadonlyMap<string, unknown>; problems: string[] },
): unknown {
  const setting = table[path];
  const fromEnv = env[setting.env];
  const given = fromEnv !== undefined && fromEnv !== '' ? fromEnv : fromFile.get(path);
  if (given === undefined) {
    const fallback: unknown = setting.default;
    if (!isRequired(fallback)) return fallback;
    problems.push(`${path} (${setting.env}) is missing: ${fallback.required}.`);
    return undefined;
  }
  try {
    return setting.kind.parse(given);
  } catch (error) {
    const origin = given === fromEnv ? setting.env : `${path} in the file`;
    problems.push(`${origin}: ${(error as Error).message}.`);
    return undefined;
  }
}

function withNodes(config: Config, env: LoadOptions['env'], problems: string[]): Config {
  const urls = env['MIROIR_NODES'];
  if (urls === undefined || urls === '') return config;
  if (config.nodes.bootstrap.length > 0) {
    problems.push(
      'MIROIR_NODES and nodes.bootstrap are both set: they name the same thing, so one of them would be ignored.',
    );
    return config;
  }
  let bootstrap: readonly BootstrapNode[] = [];
  try {
    bootstrap = nodesFromUrls(urls, config.fleet.groups);
  } catch (error) {
    problems.push(`MIROIR_NODES: ${(error as Error).message}.`);
  }
  return { ...config, nodes: { ...config.nodes, bootstrap } };
}

function readFile(file: string, problems: string[]): Map<string, unknown> {
  const values = new Map<string, unknown>();
  let document: unknown;
  try {
    document = parseYaml(readFileSync(file, 'utf8')) as unknown;
  } catch (error) {
    problems.push(`${file} cannot be read: ${(error as Error).message}`);
    return values;
  }
  if (document === null || document === undefined) return values;
  for (const [section, members] of entries(document)) {
    for (const [name, value] of entries(members)) {
      const path = `${section}.${name}`;
      if (Object.hasOwn(table, path)) values.set(path, value);
      else
        problems.push(
          `${file}: ${path} is not a setting. A misspelt one would be ignored silently.`,
        );
    }
    if (!paths.some((path) => path.startsWith(`${section}.`))) {
      problems.push(`${file}: ${section} is not a group of settings.`);
    }
  }
  return values;
}

function entries(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.entries(value)
    : [];
}

export function split(path: Path): [section: string, name: string] {
  const [section = '', name = ''] = path.split('.');
  return [section, name];
}

export function isRequired(value: unknown): value is Required {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'required');
}
