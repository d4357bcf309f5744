/** Distances and coordinates of geo filters. */
import { FilterFault } from './ast';
import type { Token } from './ast';

const EARTH_RADIUS_METRES = 6_371_000;

/** A point as latitude and longitude in degrees. */
export type Point = readonly [number, number];

/** Metres between two points, by the haversine formula, to the millimetre. */
export function distanceMetres(from: Point, to: Point): number {
  const radians = (degrees: number): number => (degrees * Math.PI) / 180;
  const haversine = (theta: number): number => (1 - Math.cos(theta)) / 2;
  const [phi1, lambda1] = [radians(from[0]), radians(from[1])];
  const [phi2, lambda2] = [radians(to[0]), radians(to[1])];
  const total =
    haversine(phi2 - phi1) + Math.cos(phi1) * Math.cos(phi2) * haversine(lambda2 - lambda1);
  return Math.round(2 * EARTH_RADIUS_METRES * Math.asin(Math.sqrt(total)) * 1000) / 1000;
}

function readFloat(token: Token): number {
  const value = Number(token.text);
  if (!Number.isFinite(value)) throw new FilterFault('Non finite floats are not supported', token);
  return value;
}

/** Reads and checks a point of a filter. Throws `FilterFault`. */
export function readPoint([latToken, lngToken]: readonly [Token, Token]): Point {
  const lat = readFloat(latToken);
  const lng = readFloat(lngToken);
  if (lat < -90 || lat > 90) {
    const message = `Bad latitude \`${lat}\`. Latitude must be contained between -90 and 90 degrees.`;
    throw new FilterFault(message, latToken);
  }
  if (lng < -180 || lng > 180) {
    const normalized = ((((lng + 180) % 360) + 360) % 360) - 180;
    const range = 'Longitude must be contained between -180 and 180 degrees.';
    const hint = `Hint: try using \`${normalized}\` instead.`;
    throw new FilterFault(`Bad longitude \`${lng}\`. ${range} ${hint}`, lngToken);
  }
  return [lat, lng];
}

/** Reads the radius of a filter, in metres. */
export function readRadius(token: Token): number {
  return readFloat(token);
}
