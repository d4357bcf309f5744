import { flag, integer, milliseconds } from './kinds';

/** The settings of how requests are taken in and how reads are spread; a part of the table. */
export const requestSettings = {
  'api.headersTimeoutMs': {
    env: 'MIROIR_HEADERS_TIMEOUT_MS',
    kind: milliseconds(100, 300_000),
    default: 20_000,
    about: 'The head of a request must be there after this time, else its connection is closed.',
  },
  'api.uploadTimeoutMs': {
    env: 'MIROIR_UPLOAD_TIMEOUT_MS',
    kind: milliseconds(100, 3_600_000),
    default: 300_000,
    about:
      'The whole of a request must be there after this time, else it is answered 408 and closed: an upload of the largest body over the slowest line.',
  },
  'api.connectionsMax': {
    env: 'MIROIR_CONNECTIONS_MAX',
    kind: integer(10, 1_000_000),
    default: 10_000,
    about: 'Connections that a pod holds at once; more are closed as they come.',
  },
  'search.hedge': {
    env: 'MIROIR_HEDGE',
    kind: flag,
    default: true,
    about:
      'Ask other replicas for the part of a read that a node has not answered in the time that 95 of 100 of its answers take; the first answer counts.',
  },
  'search.hedgePercent': {
    env: 'MIROIR_HEDGE_PERCENT',
    kind: integer(1, 100),
    default: 5,
    about: 'Of a hundred parts of reads at most so many are asked again.',
  },
  'search.hedgeMinMs': {
    env: 'MIROIR_HEDGE_MIN_MS',
    kind: milliseconds(1, 60_000),
    default: 10,
    about: 'No part is asked again before this time, however fast its node is otherwise.',
  },
  'search.coalesceMs': {
    env: 'MIROIR_COALESCE_MS',
    kind: milliseconds(0, 1_000),
    default: 0,
    about:
      'A search joins an equal one that began at most so long ago and is still under way. It may then miss a write that ended in that time, so it is off (0) unless asked for.',
  },
} as const;
