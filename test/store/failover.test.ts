/**
 * Goal: a fail-over of Redis to a replica that lagged never turns the fleet back unnoticed, also when it comes
 * in the middle of changes; and a slow Redis makes requests slow, not wrong.
 * Method: a primary and a replica behind a relay that the pod is connected to. The replica is cut off, the
 * fleet changes, the primary dies, and the relay leads to the replica. Another relay delays every byte.
 */
import { createServer, connect } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { connectRedis } from '../../store/connect';
import { node, openStore, audit, makeIndex } from './support';
import { valkeyOnDisk } from '../support/valkey-for-store';
import type { ValkeyOnDisk } from '../support/valkey-for-store';
import { waitFor } from '../support/wait-for';

jest.setTimeout(60_000);

interface Relay {
  readonly url: string;
  /** Where new connections lead; those that are open are closed. */
  lead(url: string): void;
  delayMs: number;
  close(): Promise<void>;
}

async function relayTo(first: string): Promise<Relay> {
  let target = new URL(first);
  const sockets = new Set<Socket>();
  const relay = { delayMs: 0 };
  const server: Server = createServer((inner) => {
    const outer = connect(Number(target.port), target.hostname);
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.add(from);
      from.on('data', (bytes) => {
        if (relay.delayMs === 0) to.write(bytes);
        else setTimeout(() => to.write(bytes), relay.delayMs);
      });
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.on('error', () => to.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(relay, {
    url: `redis://127.0.0.1:${port}`,
    lead: (url: string) => {
      target = new URL(url);
      for (const socket of sockets) socket.destroy();
    },
    close: () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  });
}

const servers: ValkeyOnDisk[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function started(): Promise<ValkeyOnDisk> {
  const server = await valkeyOnDisk();
  await server.start();
  servers.push(server);
  return server;
}

test('after a fail-over to a replica that lagged the older state is refused until it is restored', async () => {
  const [primary, replica] = [await started(), await started()];
  const follower = connectRedis(replica.url);
  const { hostname, port } = new URL(primary.url);
  await follower.replicaof(hostname, Number(port));
  const relay = await relayTo(primary.url);
  const pod = openStore({ prefix: 'failover' }, relay.url);
  const { fleet } = pod.store;
  const kept = await makeIndex(pod.store);
  await waitFor(async () => (await follower.get('{failover}:fleet:epoch')) === String(kept), {
    what: 'the replica to follow',
  });
  await follower.replicaof('NO', 'ONE');

  // Changes without pause, so that the fail-over comes in the middle of one.
  const reached = { epoch: kept as number };
  let on = true;
  const changing = (async () => {
    for (let i = 0; on; i += 1) {
      try {
        const after = await fleet.update(audit, () => [
          { op: 'set-node', node: node(`n${i % 9}`) },
        ]);
        reached.epoch = Math.max(reached.epoch, after.epoch);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  })();
  await waitFor(() => reached.epoch > kept + 20, { what: 'changes that the replica missed' });
  relay.lead(replica.url);
  await primary.kill();
  await waitFor(
    async () => {
      const error = await fleet.load().then(
        () => null,
        (thrown: unknown) => thrown as { code?: string },
      );
      return error?.code === 'store_epoch_lowered';
    },
    { what: 'the older state to be refused', deadlineMs: 20_000 },
  );
  on = false;
  await changing;
  // Nothing of the changes that went on has reached the replica.
  expect(Number(await follower.get('{failover}:fleet:epoch'))).toBe(kept);
  await expect(fleet.change(kept, [], audit)).rejects.toMatchObject({
    code: 'store_epoch_lowered',
  });

  const restored = { epoch: kept, nodes: [node('a')], indexes: [], aliases: [] };
  const epoch = await fleet.restore({
    ...{ fleet: restored, epoch: (fleet.floor() + 1) as never, audit, nextTaskUid: 77 },
    sequences: new Map(),
  });
  expect(epoch).toBeGreaterThan(reached.epoch);
  expect(await fleet.load()).toEqual({ ...restored, epoch });
  expect(await follower.get('{failover}:task-index:next')).toBe('77');
  await pod.close();
  await relay.close();
  follower.disconnect();
});

test('half a second to Redis makes a change slow, and nothing else of it', async () => {
  const primary = await started();
  const relay = await relayTo(primary.url);
  const pod = openStore({ prefix: 'slow' }, relay.url);
  const at = await makeIndex(pod.store);
  relay.delayMs = 250;
  const began = performance.now();
  const [one, two] = await Promise.all([
    pod.store.fleet.update(audit, () => [{ op: 'set-node', node: node('x') }]),
    pod.store.fleet.update(audit, () => [{ op: 'set-node', node: node('y') }]),
  ]);
  expect(performance.now() - began).toBeGreaterThan(500);
  expect(Math.max(one.epoch, two.epoch)).toBe(at + 2);
  expect((await pod.store.fleet.load()).nodes.map(({ id }) => id)).toEqual(['a', 'b', 'x', 'y']);
  await pod.close();
  await relay.close();
});
