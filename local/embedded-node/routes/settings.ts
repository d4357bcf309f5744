/** Routes of settings: the whole object, and one route for each setting. */
import type { Json } from '../engine/json';
import { accepted, ok } from '../http/answer';
import type { Answer } from '../http/answer';
import { jsonBody } from '../http/request';
import type { Router } from '../http/router';
import type { EmbeddedNode } from '../node';
import { checkSettings, resetAll, shownSettings } from '../settings/index-settings';
import type { SettingsChange } from '../settings/index-settings';
import { SETTINGS } from '../settings/table';
import { summary } from '../tasks/describe';

export function addSettingsRoutes(router: Router, node: EmbeddedNode): void {
  const enqueue = (indexUid: string, change: SettingsChange, isReset: boolean): Answer => {
    node.checkUid(indexUid);
    const task = node.queue.enqueue({ indexUid, content: { kind: 'settings', change, isReset } });
    return accepted(summary(task));
  };
  const base = '/indexes/:uid/settings';
  router.add('GET', base, (_request, { uid = '' }) => ok(shownSettings(node.index(uid).settings)));
  router.add('PATCH', base, (request, { uid = '' }) => {
    node.checkUid(uid);
    return enqueue(uid, checkSettings(jsonBody(request)), false);
  });
  router.add('DELETE', base, (_request, { uid = '' }) => enqueue(uid, resetAll(), true));
  for (const { name, path, verb, code, check } of SETTINGS) {
    const route = `${base}/${path}`;
    router.add('GET', route, (_request, { uid = '' }) =>
      ok(node.index(uid).settings.get(name) ?? null),
    );
    router.add(verb, route, (request, { uid = '' }) => {
      node.checkUid(uid);
      const body = jsonBody(request);
      const value: Json = body === null ? null : check(body, { path: '', code });
      return enqueue(uid, new Map([[name, value]]), false);
    });
    router.add('DELETE', route, (_request, { uid = '' }) =>
      enqueue(uid, new Map([[name, null]]), true),
    );
  }
}
