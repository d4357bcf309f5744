import { unwrapEditError } from '../../core/edit-function';
import type { JsonValue } from '../../core/fleet';
import type { FleetTask } from '../../store/task-types';

type JsonObject = { readonly [member: string]: JsonValue };

/**
 * A node task's error as the client may see it: with its own name of the index, without hidden fields
 * in lists of names, and with its own filter instead of the one that was joined with a bucket filter.
 */
export function clientError(task: FleetTask, error: JsonObject): JsonObject {
  const { message, code, type, link } = error;
  if (typeof message !== 'string') return error;
  let text = message;
  if (task.physicalUid !== null && task.indexUid !== null) {
    text = text.replaceAll(task.physicalUid, task.indexUid);
  }
  text = withOwnFilter(text, task.details?.['originalFilter']);
  if (task.type === 'documentEdition') text = unwrapEditError(text);
  text = text.replaceAll(/, `_miroir_[a-z_]+`|`_miroir_[a-z_]+`, /g, '');
  return { message: text, code: code ?? null, type: type ?? null, link: link ?? null };
}

/** The engine points into the filter as it was sent; where ours is in it, it points into the client's. */
function withOwnFilter(message: string, original: JsonValue | undefined): string {
  const line = message.lastIndexOf('\n');
  if (line < 0 || typeof original !== 'string' || !message.slice(line).includes('_miroir_')) {
    return message;
  }
  const filter = parsedFilter(original);
  const name = /Attribute `([^`]+)`/.exec(message)?.[1] ?? '';
  const at = Math.max(0, filter.indexOf(name));
  return `${message.slice(0, line)}\n${at + 1}:${at + 1 + name.length} ${filter}`;
}

function parsedFilter(text: string): string {
  try {
    const filter = JSON.parse(text) as JsonValue;
    return typeof filter === 'string' ? filter : text;
  } catch {
    return text;
  }
}
