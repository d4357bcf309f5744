import type { JsonValue } from '../../../core/fleet';
import { settingsVariants } from '../story/clients';
import { alias } from '../story/generate';
import type { WriteSpec } from '../story/types';
import type { Answer, HttpFleet } from './http-fleet';

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

/** The request of a write. `id` comes back with its task where the route takes it. */
function callOf(spec: WriteSpec, id: string): Call {
  switch (spec.kind) {
    case 'add': {
      const { method, documents: body } = spec;
      const path = `/indexes/${spec.index}/documents?primaryKey=id&customMetadata=${id}`;
      return { method, path, body };
    }
    case 'delete': {
      const path = `/indexes/${spec.index}/documents/delete-batch?customMetadata=${id}`;
      return { method: 'POST', path, body: spec.ids };
    }
    case 'delete-filter': {
      const path = `/indexes/${spec.index}/documents/delete?customMetadata=${id}`;
      return { method: 'POST', path, body: { filter: `tag = ${spec.tag}` } };
    }
    case 'delete-all':
      return { method: 'DELETE', path: `/indexes/${spec.index}/documents?customMetadata=${id}` };
    case 'settings': {
      const body = settingsVariants[spec.variant] ?? {};
      return { method: 'PATCH', path: `/indexes/${spec.index}/settings`, body };
    }
    case 'create-index':
      return { method: 'POST', path: '/indexes', body: { uid: spec.index, primaryKey: 'id' } };
    case 'delete-index':
      return { method: 'DELETE', path: `/indexes/${spec.index}` };
    case 'rename-index':
      return { method: 'PATCH', path: `/indexes/${spec.index}`, body: { uid: spec.to } };
    case 'swap':
      return { method: 'POST', path: '/swap-indexes', body: [{ indexes: spec.indexes }] };
    case 'alias': {
      const body = { target: spec.target, who: 'operator', why: 'the model' };
      return { method: 'PUT', path: `/_miroir/aliases/${alias}`, body };
    }
  }
}

export type Told =
  | { readonly kind: 'answer'; readonly body: JsonValue; readonly headers: Headers }
  | { readonly kind: 'error'; readonly code: string; readonly message: string }
  | { readonly kind: 'silence'; readonly code: string; readonly message: string };

/** What a client hears: a connection that broke says nothing of what happened. */
export async function told(ask: () => Promise<Answer>): Promise<Told> {
  try {
    const { status, headers, body } = await ask();
    if (status < 400) return { kind: 'answer', body, headers };
    const { code, message } = (body ?? {}) as { code?: string; message?: string };
    const named = code ?? `http_${String(status)}`;
    return { kind: 'error', code: named, message: message ?? JSON.stringify(body) };
  } catch (error) {
    const { message } = error as Error;
    return { kind: 'silence', code: 'no answer', message };
  }
}

/** A write as a client sends it. The alias is an operator's. */
export function write(
  fleet: HttpFleet,
  pod: number,
  { spec, id }: { spec: WriteSpec; id: string },
): Promise<Told> {
  const { method, path, body } = callOf(spec, id);
  return told(() =>
    spec.kind === 'alias'
      ? fleet.operator(method, path, body)
      : fleet.client(pod, method, path, body),
  );
}
