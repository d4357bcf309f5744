/**
 * Goal: the parts that the global setup starts are real and answer.
 * Method: speak to each of them.
 */
import { Redis } from 'ioredis';
import { Connection } from '@temporalio/client';
import { redisForTest } from './redis';
import { temporalForTest } from './temporal';

test('the run has a Redis that keeps what it is told', async () => {
  const { url, prefix } = redisForTest();
  const redis = new Redis(url);
  try {
    await redis.set(`${prefix}:greeting`, 'hello');
    expect(await redis.get(`${prefix}:greeting`)).toBe('hello');
  } finally {
    redis.disconnect();
  }
});

test('the run has a Temporal with the namespace', async () => {
  const { address, namespace } = temporalForTest();
  const connection = await Connection.connect({ address });
  try {
    const described = await connection.workflowService.describeNamespace({ namespace });
    expect(described.namespaceInfo?.name).toBe(namespace);
  } finally {
    await connection.close();
  }
});

test('two files get different prefixes and task queues', () => {
  expect(redisForTest().prefix).not.toBe(redisForTest().prefix);
  expect(temporalForTest().taskQueue).not.toBe(temporalForTest().taskQueue);
});
