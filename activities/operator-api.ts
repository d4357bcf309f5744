import { tryAgain } from './errors';
import type { ActivityTools, Call } from './tools';

export interface OperatorRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: object;
  readonly deadlineMs: number;
}

export interface OperatorAnswer<T> {
  readonly status: number;
  readonly body: Partial<T> & { readonly code?: string; readonly message?: string };
}

/** Asks the api as an operator does. Throws `api-unknown` where the worker was not told where it is. */
export async function askOperatorApi<T = object>(
  { operatorApi }: Pick<ActivityTools, 'operatorApi'>,
  { method, path, body, deadlineMs }: OperatorRequest,
  call: Call,
): Promise<OperatorAnswer<T>> {
  if (operatorApi === null) {
    throw tryAgain('api-unknown', 'The worker was given no url of the api (MIROIR_API_URL).');
  }
  const answer = await fetch(new URL(path, operatorApi.url), {
    method,
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${operatorApi.adminKey}`,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.any([call.signal, AbortSignal.timeout(deadlineMs)]),
  });
  return { status: answer.status, body: (await answer.json()) as OperatorAnswer<T>['body'] };
}
