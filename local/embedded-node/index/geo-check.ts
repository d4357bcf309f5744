/** Checks `_geo` of a document as the engine does while it indexes, when `_geo` is used at all. */
import { ApiError } from '../errors';
import { isObject, numberOf } from '../engine/json';
import type { Json, JsonObject } from '../engine/json';
import { toJsonText } from '../http/answer';

function isCoordinate(value: Json): boolean {
  if (typeof value === 'string') return value.trim() !== '' && Number.isFinite(Number(value));
  const number = numberOf(value);
  return number !== null && Number.isFinite(number);
}

/** Throws invalid_document_geo_field. */
export function checkGeo(id: string, document: JsonObject): void {
  const geo = document.get('_geo');
  if (geo === undefined || geo === null) return;
  const name = `document with the id: \`${JSON.stringify(id)}\``;
  const fail = (message: string): ApiError => new ApiError('invalid_document_geo_field', message);
  if (!isObject(geo)) {
    throw fail(
      `The \`_geo\` field in the ${name} is not an object. Was expecting an object with the \`_geo.lat\` and \`_geo.lng\` fields but instead got \`${toJsonText(geo)}\`.`,
    );
  }
  const lat = geo.get('lat');
  const lng = geo.get('lng');
  if (lat === undefined && lng === undefined) {
    throw fail(
      `Could not find latitude nor longitude in the ${name}. Was expecting \`_geo.lat\` and \`_geo.lng\` fields.`,
    );
  }
  if (lat === undefined) {
    throw fail(`Could not find latitude in the ${name}. Was expecting a \`_geo.lat\` field.`);
  }
  if (lng === undefined) {
    throw fail(`Could not find longitude in the ${name}. Was expecting a \`_geo.lng\` field.`);
  }
  if (geo.size > 2) {
    const rest = new Map([...geo].filter(([key]) => key !== 'lat' && key !== 'lng'));
    throw fail(
      `The \`_geo\` field in the ${name} contains the following unexpected fields: \`${toJsonText(rest)}\`.`,
    );
  }
  const [latOk, lngOk] = [isCoordinate(lat), isCoordinate(lng)];
  if (latOk && lngOk) return;
  const expected = 'Was expecting';
  if (latOk) {
    throw fail(
      `Could not parse longitude in the ${name}. ${expected} a finite number but instead got \`${toJsonText(lng)}\`.`,
    );
  }
  if (lngOk) {
    throw fail(
      `Could not parse latitude in the ${name}. ${expected} a finite number but instead got \`${toJsonText(lat)}\`.`,
    );
  }
  throw fail(
    `Could not parse latitude nor longitude in the ${name}. ${expected} finite numbers but instead got \`${toJsonText(lat)}\` and \`${toJsonText(lng)}\`.`,
  );
}
