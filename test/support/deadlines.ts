import { realEngine } from './meilisearch';

/**
 * Settings of a fleet of processes: short enough for a test, in the order that the configuration demands. A
 * real engine takes longer to work off its queue, and a fence must outlast that.
 */
export const deadlines = {
  ...(realEngine
    ? { MIROIR_REQUEST_DEADLINE_MS: '12000', MIROIR_NODE_DEADLINE_MS: '10000' }
    : { MIROIR_REQUEST_DEADLINE_MS: '4000', MIROIR_NODE_DEADLINE_MS: '3000' }),
  MIROIR_FENCE_MAX_MS: realEngine ? '5000' : '2000',
};
