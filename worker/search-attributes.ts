import type { NativeConnection } from '@temporalio/worker';
import { temporal } from '@temporalio/proto';
import { searchAttributes } from '../workflows/messages';

const keyword = temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD;
const alreadyExists = 6;
const pollMs = 50;
const visibleWithinMs = 30_000;

/** Names with their type, as Temporal's operator API takes them. */
export const keywordAttributes = (
  names: readonly string[] = searchAttributes,
): Record<string, typeof keyword> => Object.fromEntries(names.map((name) => [name, keyword]));

async function missing(connection: NativeConnection, namespace: string): Promise<string[]> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  return searchAttributes.filter((name) => customAttributes[name] === undefined);
}

/**
 * Registers the search attributes that the server does not know: a start that uses an unknown one
 * fails, and a server with an existing database ignores those given on its command line.
 */
export async function registerSearchAttributes(
  connection: NativeConnection,
  namespace: string,
): Promise<void> {
  const names = await missing(connection, namespace);
  if (names.length === 0) return;
  try {
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: keywordAttributes(names),
    });
  } catch (error) {
    // Another worker that starts at the same time has registered them.
    if ((error as { code?: unknown }).code !== alreadyExists) throw error;
  }
  const end = Date.now() + visibleWithinMs;
  while ((await missing(connection, namespace)).length > 0) {
    if (Date.now() > end) throw new Error('Temporal does not show the new search attributes.');
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
