import { MeiliError } from '../errors';
import type { JsonValue } from '../fleet';
import { hiddenField } from '../hidden-fields';
import type { JsonObject } from '../search/types';
import { isObject } from '../search/values';
import { defaultDocumentTemplate } from './defaults';
import { hasTemplate, sourceOf } from './embedders';

/**
 * Embedders as the nodes get them: each with an explicit template that passes over the hidden fields,
 * else these would be embedded with the text and change every vector.
 */
export function guardedEmbedders(embedders: JsonValue | undefined): JsonValue {
  if (!isObject(embedders)) return {};
  return Object.fromEntries(
    Object.entries(embedders).map(([name, embedder]) => [
      name,
      isObject(embedder) ? guarded(`.embedders.${name}`, embedder) : embedder,
    ]),
  );
}

function guarded(path: string, embedder: JsonObject): JsonObject {
  const nested = embedder['indexingEmbedder'];
  if (isObject(nested)) {
    return { ...embedder, indexingEmbedder: guarded(`${path}.indexingEmbedder`, nested) };
  }
  // Fragments are templates of their own, written by the client field by field.
  if (!hasTemplate(sourceOf(embedder)) || embedder['indexingFragments'] !== undefined)
    return embedder;
  const template = embedder['documentTemplate'];
  const text = typeof template === 'string' ? template : defaultDocumentTemplate;
  return { ...embedder, documentTemplate: guardTemplate(text, `${path}.documentTemplate`) };
}

const hiddenNames = Object.values(hiddenField);
const loop =
  /\{%-?\s*for\s+(\w+)\s+in\s+([\w.]+(?:\[[^\]]*\])*)[^%]*?-?%\}|\{%-?\s*endfor\s*-?%\}/g;

/**
 * Puts a condition around the body of each loop over `fields`. Throws where a template reaches the
 * fields in a way that no condition can guard: the whole document, or `fields` outside a loop.
 */
export function guardTemplate(template: string, path: string): string {
  const open: (string | null)[] = [];
  const guardedText = template.replace(loop, (tag: string, variable?: string, list?: string) => {
    if (variable === undefined) {
      return open.pop() === 'fields' ? `{% endunless %}${tag}` : tag;
    }
    open.push(list ?? null);
    if (list === 'doc') throw refused(path, 'loops over the whole document');
    return list === 'fields' ? `${tag}{% unless ${isHidden(variable)} %}` : tag;
  });
  const rest = template.replace(loop, '');
  if (/\bfields\b/.test(codeOf(rest))) throw refused(path, 'uses `fields` outside a loop');
  if (/\bdoc\b(?!\s*[.[])/.test(codeOf(rest))) throw refused(path, 'prints the whole document');
  return guardedText;
}

const isHidden = (variable: string): string =>
  hiddenNames.map((name) => `${variable}.name == "${name}"`).join(' or ');

/** What stands in tags and outputs of a template, without quoted texts. */
const codeOf = (template: string): string =>
  (template.match(/\{\{.*?\}\}|\{%.*?%\}/gs) ?? []).join(' ').replace(/"[^"]*"|'[^']*'/g, '""');

const refused = (path: string, what: string): MeiliError =>
  new MeiliError(
    'invalid_settings_embedders',
    `\`${path}\`: this template ${what}, which would embed the fields that Miroir keeps in each document. ` +
      'Name the fields, or loop over `fields`.',
  );
