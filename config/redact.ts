import type { Config } from './config';
import { split } from './load';
import { paths, table } from './table';

const hidden = '***';

/**
 * The configuration as it may be printed: secrets replaced, urls without their password. Whether a
 * secret is set stays visible.
 */
export function redactConfig(config: Config): Record<string, Record<string, unknown>> {
  const sections: Record<string, Record<string, unknown>> = {};
  const values = config as unknown as Record<string, Record<string, unknown>>;
  for (const path of paths) {
    const [section, name] = split(path);
    const value = values[section]?.[name];
    (sections[section] ??= {})[name] = table[path].secret === true ? redact(value) : value;
  }
  return sections;
}

function redact(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  return URL.canParse(value) && value.includes('://') ? redactUrl(value) : hidden;
}

/** The url with `***` for its user and password and without its query; both may hold secrets. */
export function redactUrl(value: string): string {
  if (!URL.canParse(value)) return hidden;
  const url = new URL(value);
  const user = url.username !== '' || url.password !== '' ? `${hidden}@` : '';
  return `${url.protocol}//${user}${url.host}${url.pathname}`;
}
