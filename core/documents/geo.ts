import { findMember, scanObject } from '../json/scan';
import { ascii } from '../json/scanner';
import { compactText } from './engine-text';

/** Rust reads these texts as numbers, but for those that are not finite. */
const floatPattern = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** True for what the engine takes as a latitude or longitude: a finite number, or one in a string. */
function isCoordinate(text: string): boolean {
  const value: unknown = JSON.parse(text);
  if (typeof value === 'number') return Number.isFinite(value);
  return typeof value === 'string' && floatPattern.test(value) && Number.isFinite(Number(value));
}

/**
 * What the engine says of a document's `_geo`, the well-formed value `bytes[start, end)`, where it
 * looks at it; null where it takes it. Of equal names the last counts.
 */
export function geoFault(bytes: Uint8Array, start: number, end: number, id: string): string | null {
  const where = `in the document with the id: \`"${id}"\``;
  const value = compactText(bytes, start, end);
  if (value === 'null') return null;
  if (bytes[start] !== ascii.objectOpen) {
    return (
      `The \`_geo\` field ${where} is not an object. Was expecting an object with the \`_geo.lat\` ` +
      `and \`_geo.lng\` fields but instead got \`${value}\`.`
    );
  }
  const lat = findMember(bytes, start, 'lat');
  const lng = findMember(bytes, start, 'lng');
  if (lat === null || lng === null) return missing(where, lat !== null, lng !== null);
  const extra = otherMembers(bytes, start);
  if (extra !== '{}') {
    return `The \`_geo\` field ${where} contains the following unexpected fields: \`${extra}\`.`;
  }
  const latText = compactText(bytes, lat.start, lat.end);
  const lngText = compactText(bytes, lng.start, lng.end);
  return unparsable(where, latText, lngText);
}

function missing(where: string, hasLat: boolean, hasLng: boolean): string {
  if (!hasLat && !hasLng) {
    return (
      `Could not find latitude nor longitude ${where}. ` +
      'Was expecting `_geo.lat` and `_geo.lng` fields.'
    );
  }
  const [name, field] = hasLat ? ['longitude', 'lng'] : ['latitude', 'lat'];
  return `Could not find ${name} ${where}. Was expecting a \`_geo.${field}\` field.`;
}

function otherMembers(bytes: Uint8Array, start: number): string {
  const others = new Map<string, string>();
  scanObject(bytes, start, (name, from, to) => {
    if (name === 'lat' || name === 'lng') return;
    others.set(name, `${JSON.stringify(name)}:${compactText(bytes, from, to)}`);
  });
  return `{${[...others.values()].join(',')}}`;
}

function unparsable(where: string, lat: string, lng: string): string | null {
  const badLat = !isCoordinate(lat);
  const badLng = !isCoordinate(lng);
  if (badLat && badLng) {
    return (
      `Could not parse latitude nor longitude ${where}. ` +
      `Was expecting finite numbers but instead got \`${lat}\` and \`${lng}\`.`
    );
  }
  if (!badLat && !badLng) return null;
  const [name, value] = badLat ? ['latitude', lat] : ['longitude', lng];
  return (
    `Could not parse ${name} ${where}. ` +
    `Was expecting a finite number but instead got \`${value}\`.`
  );
}
