/** The formats of documents, in the order in which the engine's errors list them. */
export const documentTypes: readonly string[] = [
  'application/json',
  'application/x-ndjson',
  'text/csv',
];
export const jsonTypes: readonly string[] = ['application/json'];

/** The type without its parameters, in lower case: `application/json; charset=utf-8` is JSON. */
export function mediaType(header: string): string {
  return (header.split(';', 1)[0] ?? '').trim().toLowerCase();
}
