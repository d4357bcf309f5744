/**
 * Goal: settings routes answer what Meilisearch answers: the same refusals, task details and values.
 * Method: the 116 recorded exchanges of the group `settings` are replayed in order against
 * `applySettings`; refusals are compared with the recorded bodies, accepted writes with the details of
 * the recorded task, and every GET with the settings that the writes so far have made.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonValue, Settings } from '../../../core/fleet';
import type { JsonObject } from '../../../core/search/types';
import { applySettings, resetSettings } from '../../../core/settings/apply';
import { defaultChat, defaultSettings } from '../../../core/settings/defaults';
import { settingNames } from '../../../core/settings/types';
import type { SettingName } from '../../../core/settings/types';

interface Exchange {
  readonly group: string;
  readonly request: { readonly method: string; readonly path: string; readonly body?: JsonValue };
  readonly response: { readonly status: number; readonly body: JsonValue };
  readonly task?: {
    readonly status: string;
    readonly details: JsonObject;
    readonly error: JsonObject | null;
  };
}

const exchanges = readFileSync(join(__dirname, '../../recordings/api.ndjson'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Exchange)
  .filter(({ group }) => group === 'settings');

type Sub = SettingName | 'chat';

/** `stop-words` → `stopWords`; undefined for the whole object, null for an unknown route. */
function subOf(path: string): Sub | undefined | null {
  const sub = path.split('/')[4];
  if (sub === undefined) return undefined;
  const name = sub.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  if (name === 'chat') return 'chat';
  return settingNames.find((one) => one === name) ?? null;
}

const label = ({ request, response }: Exchange, at: number): string =>
  `${String(at)} ${request.method} ${request.path} ${JSON.stringify(request.body ?? null).slice(0, 60)} → ${String(response.status)}`;

describe('the recorded settings exchanges', () => {
  const present = new Map<string, Settings>([['books', defaultSettings()]]);
  const of = (path: string): { uid: string; settings: Settings } => {
    const uid = path.split('/')[2] ?? '';
    return { uid, settings: present.get(uid) ?? defaultSettings() };
  };

  // Content types, wrong verbs and missing indexes are matters of the routes.
  const here = exchanges.filter(
    ({ request, response }) =>
      ![404, 405, 415].includes(response.status) && request.path.includes('/settings'),
  );

  it('are nearly all of the group', () => {
    expect(exchanges).toHaveLength(116);
    expect(here.length).toBeGreaterThan(100);
  });

  it.each(here.map((exchange, at) => [label(exchange, at), exchange] as const))('%s', (_, one) => {
    const { request, response, task } = one;
    const { uid, settings } = of(request.path);
    const sub = subOf(request.path);
    if (sub === null) throw new Error(`no such route: ${request.path}`);
    if (request.method === 'GET') {
      const shown = sub === 'chat' ? defaultChat : sub === undefined ? settings : settings[sub];
      expect(JSON.stringify(shown)).toBe(JSON.stringify(response.body));
      return;
    }
    if (request.method === 'DELETE' && sub === undefined) {
      const reset = resetSettings();
      present.set(uid, reset.settings);
      expect(JSON.stringify(reset.details)).toBe(JSON.stringify(task?.details));
      return;
    }
    const outcome = applySettings(settings, request.method === 'DELETE' ? null : request.body, sub);
    if (response.status >= 400) {
      expect(outcome.ok ? 'accepted' : outcome.error.toBody()).toEqual(response.body);
      return;
    }
    if (!outcome.ok) throw outcome.error;
    expect(JSON.stringify(outcome.details)).toBe(JSON.stringify(task?.details));
    if (task?.status === 'succeeded') present.set(uid, outcome.settings);
  });
});
