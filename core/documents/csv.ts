import { ByteWriter } from './byte-writer';
import { CsvReader } from './csv-records';
import type { CsvPlace } from './csv-records';
import { malformedCsv } from './payload-error';
import { floatText } from './engine-text';
import type { DocSpan, ParsedDocuments } from './types';

type ColumnType = 'string' | 'number' | 'boolean';

interface Column {
  readonly name: string;
  readonly type: ColumnType;
}

/** `name:type`, split at the last colon; what is no known type belongs to the name. */
function parseHeader(header: string): Column {
  const colon = header.lastIndexOf(':');
  const type = colon < 0 ? '' : header.slice(colon + 1);
  if (type !== 'string' && type !== 'number' && type !== 'boolean') {
    return { name: header, type: 'string' };
  }
  return { name: header.slice(0, colon), type };
}

/** Rust's idea of blanks, which has U+0085 and has not U+FEFF. */
const blanks = '[\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const outerBlanks = new RegExp(`^${blanks}+|${blanks}+$`, 'g');

/** What `{:?}` makes of a string in Rust, for the texts of errors. */
function debugText(text: string): string {
  const escaped = text.replace(/["\\\n\r\t\0]|\p{Cc}/gu, (character) => {
    const known = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\0': '\\0' };
    const code = character.charCodeAt(0).toString(16);
    return known[character as keyof typeof known] ?? `\\u{${code}}`;
  });
  return `"${escaped}"`;
}

const integerMin = -(2n ** 63n);
const integerMax = 2n ** 63n - 1n;
const floatPattern = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const notFinitePattern = /^[+-]?(?:inf|infinity|nan)$/i;

/** A 64-bit integer, else a double, as JSON; null for what is no number. */
function numberText(text: string): string | null {
  if (/^[+-]?\d+$/.test(text)) {
    const integer = BigInt(text.replace(/^\+/, ''));
    if (integer >= integerMin && integer <= integerMax) return integer.toString();
  }
  if (floatPattern.test(text)) {
    const value = Number(text);
    return Number.isFinite(value) ? floatText(value) : 'null';
  }
  return notFinitePattern.test(text) ? 'null' : null;
}

function cellText(cell: string, type: ColumnType, line: number): string {
  if (type === 'string') return cell === '' ? 'null' : JSON.stringify(cell);
  const trimmed = cell.replace(outerBlanks, '');
  if (trimmed === '') return 'null';
  const where = `${debugText(cell)} at line ${String(line)}`;
  if (type === 'number') {
    const number = numberText(trimmed);
    if (number !== null) return number;
    throw malformedCsv(`Error parsing number ${where}: invalid float literal`);
  }
  if (trimmed === 'true' || trimmed === 'false') return trimmed;
  throw malformedCsv(
    `Error parsing boolean ${where}: provided string was not \`true\` or \`false\``,
  );
}

/**
 * Turns CSV into JSON objects by the engine's rules, piece by piece: every column of the header is a
 * member, an empty cell is null, of columns with one name the last counts. Each piece must end with a
 * record.
 */
export class CsvConverter {
  private columns: readonly Column[] | null = null;
  private members: readonly { index: number; prefix: string }[] = [];
  private place: CsvPlace | undefined;

  constructor(private readonly delimiter: string) {}

  /** @throws PayloadError with Meilisearch's texts. */
  convert(bytes: Uint8Array): ParsedDocuments {
    const reader = new CsvReader(bytes, this.delimiter.charCodeAt(0), this.place);
    this.columns ??= this.readHeader(reader);
    const { columns } = this;
    const writer = new ByteWriter(bytes.length * 2);
    const documents: DocSpan[] = [];
    for (let record = reader.read(); record !== null; record = reader.read()) {
      const { fields, index: line } = record;
      // Cells are read in the order of the columns, so that the first bad one is the one named.
      const cells = columns.map(({ type }, index) => cellText(fields[index] ?? '', type, line));
      const parts = this.members.map(({ prefix, index }) => prefix + (cells[index] ?? 'null'));
      const start = writer.length;
      writer.writeText(`{${parts.join(',')}}`);
      documents.push({ start, end: writer.length });
    }
    this.place = reader.place();
    return { documents, bytes: writer.finish(), format: 'csv' };
  }

  private readHeader(reader: CsvReader): Column[] {
    const columns = (reader.read()?.fields ?? []).map(parseHeader);
    const lastOfName = new Map(columns.map((column, index) => [column.name, index]));
    this.members = [...lastOfName].map(([name, index]) => {
      return { index, prefix: `${JSON.stringify(name)}:` };
    });
    return columns;
  }
}

/** The same for a whole payload. */
export const parseCsv = (bytes: Uint8Array, delimiter: string): ParsedDocuments =>
  new CsvConverter(delimiter).convert(bytes);
