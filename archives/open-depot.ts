import type { Depot } from './depot';
import { directoryDepot } from './directory-depot';
import { parseS3, s3Depot } from './s3-depot';
import type { S3Options } from './s3-depot';

/** The depot that a setting names: `s3://bucket/prefix`, or else a directory. */
export function openDepot(location: string, s3: S3Options): Depot {
  const place = parseS3(location);
  return place === null ? directoryDepot(location) : s3Depot(place, s3);
}
