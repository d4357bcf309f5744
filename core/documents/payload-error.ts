import type { DocumentFormat } from './types';

/** A body that is no list of documents: answered at once, before any task exists. */
export class PayloadError extends Error {
  constructor(
    readonly code: 'malformed_payload' | 'missing_payload',
    message: string,
  ) {
    super(message);
    this.name = 'PayloadError';
  }
}

/** The engine keeps this much of both ends of a long text, in bytes. */
const keptHead = 50;
const keptTail = 85;

export function missingPayload(format: DocumentFormat): PayloadError {
  return new PayloadError('missing_payload', `A ${format} payload is missing.`);
}

export function malformedJson(format: DocumentFormat, reason: string): PayloadError {
  const long = reason.length > keptHead + keptTail + 3;
  const shown = long ? `${reason.slice(0, keptHead)}...${reason.slice(-keptTail)}` : reason;
  return new PayloadError(
    'malformed_payload',
    `The \`${format}\` payload provided is malformed. ` +
      `\`Couldn't serialize document value: ${shown}\`.`,
  );
}

/**
 * Where a list holds something else than objects. The engine answers some of these with 500; the
 * text that it has for the others fits all of them.
 */
export function notObjects(format: DocumentFormat): PayloadError {
  return malformedJson(format, 'data are neither an object nor a list of objects');
}

export function malformedCsv(reason: string): PayloadError {
  return new PayloadError(
    'malformed_payload',
    `The \`csv\` payload provided is malformed: \`${reason}\`.`,
  );
}
