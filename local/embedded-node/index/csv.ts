/** CSV as the `csv` crate reads it, turned into documents by the types of the header row. */
import { parseNumber } from '../engine/json';
import type { Json, JsonObject } from '../engine/json';

interface CsvRecord {
  readonly cells: readonly string[];
  /** Line and byte where the record starts; both as the `csv` crate counts them. */
  readonly line: number;
  readonly byte: number;
}

/** A fault of a CSV payload, with the text that Meilisearch puts between its back quotes. */
export class CsvFault extends Error {}

/** Splits a text into records; a quote that is never closed runs to the end of the text. */
function readRecords(text: string, delimiter: string): CsvRecord[] {
  const records: CsvRecord[] = [];
  let cells: string[] = [];
  let cell = '';
  let quoted = false;
  let line = 1;
  let start = { line: 1, at: 0 };
  const endRecord = (next: number): void => {
    cells.push(cell);
    if (cells.length > 1 || cell !== '') {
      const byte = Buffer.byteLength(text.slice(0, start.at));
      records.push({ cells, line: start.line, byte });
    }
    cells = [];
    cell = '';
    start = { line, at: next };
  };
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] ?? '';
    if (character === '\n') line += 1;
    if (quoted) {
      if (character !== '"') cell += character;
      else if (text[at + 1] === '"') {
        cell += '"';
        at += 1;
      } else quoted = false;
    } else if (character === '"' && cell === '') quoted = true;
    else if (character === delimiter) {
      cells.push(cell);
      cell = '';
    } else if (character === '\n') endRecord(at + 1);
    else if (character === '\r' && text[at + 1] === '\n') continue;
    else cell += character;
  }
  if (cell !== '' || cells.length > 0) endRecord(text.length);
  return records;
}

type CellType = 'string' | 'number' | 'boolean';

/** `name:type`; what follows the last colon is part of the name unless it is a known type. */
function parseHeader(header: string): { name: string; type: CellType } {
  const colon = header.lastIndexOf(':');
  const type = header.slice(colon + 1);
  if (colon >= 0 && (type === 'string' || type === 'number' || type === 'boolean')) {
    return { name: header.slice(0, colon), type };
  }
  return { name: header, type: 'string' };
}

function parseCell(cell: string, type: CellType, line: number): Json {
  if (cell === '') return null;
  if (type === 'string') return cell;
  const text = cell.trim();
  if (type === 'boolean') {
    if (text === 'true') return true;
    if (text === 'false') return false;
    const reason = 'provided string was not `true` or `false`';
    throw new CsvFault(`Error parsing boolean "${cell}" at line ${line}: ${reason}`);
  }
  if (/^[+-]?\d+$/.test(text))
    return parseNumber(text.replace(/^\+/, '').replace(/^(-?)0+(?=\d)/, '$1'));
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) {
    throw new CsvFault(`Error parsing number "${cell}" at line ${line}: invalid float literal`);
  }
  return parseNumber(
    Number(text).toString().includes('.') ? String(Number(text)) : `${Number(text)}.0`,
  );
}

/** The documents of a CSV payload. Throws `CsvFault`. */
export function parseCsv(text: string, delimiter: string): JsonObject[] {
  const [header, ...records] = readRecords(text, delimiter);
  if (header === undefined) return [];
  const columns = header.cells.map(parseHeader);
  return records.map((record, index) => {
    const { cells } = record;
    if (cells.length !== columns.length) {
      const place = `record ${index + 1} (line: ${record.line}, byte: ${record.byte})`;
      const counts = `found record with ${cells.length} fields, but the previous record has`;
      throw new CsvFault(`CSV error: ${place}: ${counts} ${columns.length} fields`);
    }
    const document: JsonObject = new Map();
    columns.forEach(({ name, type }, column) => {
      document.set(name, parseCell(cells[column] ?? '', type, index + 1));
    });
    return document;
  });
}
