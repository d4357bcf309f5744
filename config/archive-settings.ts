import { exportPayloadBytesMax } from '../core/limits';
import { flag, integer, matching, milliseconds, nullable, text } from './kinds';

const hour = 3_600_000;
const webUrl = matching('url', /^https?:\/\/.+/, 'https://storage.example.com');

/** The settings of dumps, backups, exports and the storage they may be in; a part of the table. */
export const archiveSettings = {
  'dumps.location': {
    env: 'MIROIR_DUMPS_LOCATION',
    kind: nullable(text),
    default: 'dumps',
    about:
      'Where dumps, uploads and documents set aside are: a directory that api and worker share, or `s3://bucket/prefix`. `none` switches dumps and imports off.',
  },
  'dumps.scratch': {
    env: 'MIROIR_DUMPS_SCRATCH',
    kind: nullable(text),
    default: null,
    about:
      "Directory in which a worker sorts the documents of one index. Without it: the system's for temporary files.",
  },
  'dumps.batchDocuments': {
    env: 'MIROIR_DUMPS_BATCH_DOCUMENTS',
    kind: integer(1, 100_000),
    default: 5_000,
    about: 'Documents that an import sends in one write.',
  },
  'dumps.batchBytes': {
    env: 'MIROIR_DUMPS_BATCH_BYTES',
    kind: integer(1_000, 50_000_000),
    default: 8_000_000,
    about: 'Bytes that an import sends in one write; one larger document is sent alone.',
  },
  'dumps.rejectedMax': {
    env: 'MIROIR_DUMPS_REJECTED_MAX',
    kind: integer(0, 10_000_000),
    default: 10_000,
    about: 'An import stops and waits for the operator when more documents were set aside.',
  },
  'backups.location': {
    env: 'MIROIR_BACKUPS_LOCATION',
    kind: nullable(text),
    default: null,
    about:
      'Where backups are: a directory that api and worker share, or `s3://bucket/prefix`. Without it there are none.',
  },
  'backups.everyMs': {
    env: 'MIROIR_BACKUPS_EVERY_MS',
    kind: nullable(milliseconds(60_000, 366 * 24 * hour)),
    default: null,
    about: 'A backup is made so often, by a Temporal Schedule. Without it: when somebody asks.',
  },
  'backups.keep': {
    env: 'MIROIR_BACKUPS_KEEP',
    kind: integer(1, 10_000),
    default: 7,
    about:
      'So many complete backups are kept; after each new one older ones are deleted, but for the newest one that a drill has proven.',
  },
  'backups.keepMs': {
    env: 'MIROIR_BACKUPS_KEEP_MS',
    kind: nullable(milliseconds(60_000, 3_660 * 24 * hour)),
    default: null,
    about:
      'A backup younger than this is not deleted by itself, whatever `backups.keep` says. Without it: `backups.keep` alone decides.',
  },
  'backups.drillEveryMs': {
    env: 'MIROIR_BACKUPS_DRILL_EVERY_MS',
    kind: nullable(milliseconds(60_000, 366 * 24 * hour)),
    default: null,
    about:
      'The newest backup is restored for proof so often, by a Temporal Schedule. Without it: when somebody asks.',
  },
  'export.enabled': {
    env: 'MIROIR_EXPORT_ENABLED',
    kind: flag,
    default: true,
    about: 'Send indexes to another Meilisearch when a client asks for it (`POST /export`).',
  },
  'export.payloadBytes': {
    env: 'MIROIR_EXPORT_PAYLOAD_BYTES',
    kind: integer(1, exportPayloadBytesMax),
    default: 20 * 1024 * 1024,
    about:
      'Bytes of documents that an export sends at once, before compression, unless it says so itself.',
  },
  'export.giveUpMs': {
    env: 'MIROIR_EXPORT_GIVE_UP_MS',
    kind: milliseconds(100, 24 * hour),
    default: 900_000,
    about: 'An export fails when the other Meilisearch has taken nothing for so long.',
  },
  's3.endpoint': {
    env: 'MIROIR_S3_ENDPOINT',
    kind: nullable(webUrl),
    default: null,
    about: "Storage of another maker. Without it: Amazon's. Credentials come from `AWS_*`.",
  },
  's3.region': {
    env: 'MIROIR_S3_REGION',
    kind: text,
    default: 'us-east-1',
    about: 'Region of the storage.',
  },
  's3.pathStyle': {
    env: 'MIROIR_S3_PATH_STYLE',
    kind: flag,
    default: false,
    about: 'Buckets stand in the path and not in the name of the host; most other makers need it.',
  },
};
