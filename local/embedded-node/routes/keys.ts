/** Routes of API keys. */
import { randomUUID } from 'node:crypto';
import { nowMicros } from '../clock';
import { ApiError } from '../errors';
import type { Json, JsonObject } from '../engine/json';
import { ok } from '../http/answer';
import type { Answer } from '../http/answer';
import { jsonBody } from '../http/request';
import type { NodeRequest } from '../http/request';
import { readQuery } from '../http/query';
import type { Router } from '../http/router';
import * as check from '../http/validate';
import { KEY_ACTIONS } from '../key-actions';
import type { Key, KeyStore } from '../keys';
import type { EmbeddedNode } from '../node';

const FIELDS = ['description', 'name', 'uid', 'actions', 'indexes', 'expiresAt'];
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

function place(name: string): check.Place {
  const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return check.child(check.ROOT, name, `invalid_api_key_${snake}`);
}

function required(body: JsonObject, name: string): Json {
  const value = body.get(name);
  if (value !== undefined) return value;
  const code = place(name).code.replace(/^invalid/, 'missing');
  throw check.missingField(name, check.ROOT, code);
}

function optionalText(body: JsonObject, name: string): string | null {
  const value = body.get(name) ?? null;
  return value === null ? null : check.asString(value, place(name));
}

function readExpiry(value: Json): string | null {
  if (value === null) return null;
  const text = check.asString(value, place('expiresAt'));
  const form = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})?)?$/;
  const normalized = /^\d{4}-\d{2}-\d{2}$/.test(text)
    ? `${text}T00:00:00Z`
    : text.replace(' ', 'T');
  const dated = /(Z|[+-]\d{2}:\d{2})$/.test(normalized) ? normalized : `${normalized}Z`;
  const millis = form.test(text) ? Date.parse(dated) : NaN;
  if (Number.isNaN(millis) || millis <= Date.now()) {
    const rule =
      'It should follow the RFC 3339 format to represents a date or datetime in the future or specified as a null value.';
    const message = `\`${text}\` is not a valid date. ${rule} e.g. 'YYYY-MM-DD' or 'YYYY-MM-DD HH:MM:SS'.\n`;
    throw check.invalidValue(message, place('expiresAt'));
  }
  return dated;
}

function create(node: EmbeddedNode, keys: KeyStore, request: NodeRequest): Answer {
  const body = check.asStruct(jsonBody(request), FIELDS, check.ROOT);
  const actionsPlace = place('actions');
  const actions = check
    .asArray(required(body, 'actions'), actionsPlace)
    .map((action, at) => check.asWord(action, KEY_ACTIONS, check.child(actionsPlace, at)));
  const indexes = check.asStrings(required(body, 'indexes'), place('indexes'));
  const expiresAt = readExpiry(required(body, 'expiresAt'));
  const uid = optionalText(body, 'uid') ?? randomUUID();
  if (!UUID.test(uid)) {
    throw check.invalidValue(`\`${uid}\` is not a valid UUID.`, place('uid'));
  }
  if (keys.has(uid)) {
    const message = `\`uid\` field value \`${uid}\` is already an existing API key.`;
    throw new ApiError('api_key_already_exists', message);
  }
  const createdAt = nowMicros();
  const key: Key = {
    name: optionalText(body, 'name'),
    description: optionalText(body, 'description'),
    uid: uid.toLowerCase(),
    actions,
    indexes,
    expiresAt,
    createdAt,
    updatedAt: createdAt,
  };
  node.saveKey(key);
  return { status: 201, body: keys.shown(key) };
}

function update(node: EmbeddedNode, keys: KeyStore, request: NodeRequest, key: Key): Answer {
  const body = check.asObject(jsonBody(request), check.ROOT);
  const names = ['description', 'name'];
  for (const name of body.keys()) {
    if (names.includes(name)) continue;
    if (![...FIELDS, 'key', 'createdAt', 'updatedAt'].includes(name)) {
      throw check.unknownField(name, names, check.ROOT);
    }
    const code = place(name).code.replace(/^invalid/, 'immutable');
    const message = `Immutable field \`${name}\`: expected one of \`description\`, \`name\``;
    throw new ApiError(code, message);
  }
  if (body.has('name')) key.name = optionalText(body, 'name');
  if (body.has('description')) key.description = optionalText(body, 'description');
  key.updatedAt = nowMicros();
  node.saveKey(key);
  return ok(keys.shown(key));
}

export function addKeyRoutes(router: Router, node: EmbeddedNode): void {
  const store = (): KeyStore => {
    if (node.keys !== null) return node.keys;
    throw new ApiError('missing_master_key', 'Meilisearch is running without a master key.');
  };
  const find = (uidOrKey: string): Key => {
    const key = store().find(uidOrKey);
    if (key !== undefined) return key;
    throw new ApiError('api_key_not_found', `API key \`${uidOrKey}\` not found.`);
  };
  router.add('GET', '/keys', (request) => {
    const query = readQuery(request, {
      offset: 'invalid_api_key_offset',
      limit: 'invalid_api_key_limit',
    });
    const offset = query.uint('offset') ?? 0;
    const limit = query.uint('limit') ?? 20;
    const all = store().list();
    const results = all.slice(offset, offset + limit).map((key) => store().shown(key));
    return ok({ results, offset, limit, total: all.length });
  });
  router.add('POST', '/keys', (request) => create(node, store(), request));
  router.add('GET', '/keys/:key', (_request, { key = '' }) => ok(store().shown(find(key))));
  router.add('PATCH', '/keys/:key', (request, { key = '' }) =>
    update(node, store(), request, find(key)),
  );
  router.add('DELETE', '/keys/:key', (_request, { key = '' }) => {
    node.deleteKey(find(key).uid);
    return { status: 204 };
  });
}
