import type { Page } from '../page-reader';
import type { Yard } from './yard';

/** For three nodes of one group, one of them `meili-2`, with documents on each. */
export function weightsPage(yard: Yard): Page {
  return {
    name: 'weights-and-zones',
    async fill(command) {
      if (command.startsWith('miroir ops cancel')) {
        await yard.does('miroir nodes weight meili-2 0.1 --documents-per-second 1 --yes');
        await yard.syncing('copy');
      }
      if (command.startsWith('miroir ops reverse')) {
        await yard.does('miroir nodes weight meili-2 4 --yes --wait');
      }
      return command === 'miroir nodes rebalance' ? `${command} --yes --wait` : command;
    },
    expected: [
      [
        /^miroir nodes weight .*--yes/,
        async () => expect(await yard.node('meili-2')).toMatchObject({ weight: 2 }),
      ],
      [
        /^miroir nodes zone meili-2 eu-west-1b --yes/,
        async () => expect(await yard.node('meili-2')).toMatchObject({ zone: 'eu-west-1b' }),
      ],
      [
        /^miroir nodes zone meili-2 --yes/,
        async () => expect(await yard.node('meili-2')).toMatchObject({ zone: null }),
      ],
      [
        /^miroir ops cancel/,
        async () => {
          await yard.ended('set-node/meili-2', 'canceled');
          expect(await yard.node('meili-2')).toMatchObject({ weight: 2 });
        },
      ],
      [
        /^miroir ops reverse/,
        async () => {
          await yard.approves('set-node/meili-2');
          await yard.ended('set-node/meili-2');
          expect(await yard.node('meili-2')).toMatchObject({ weight: 2 });
        },
      ],
    ],
  };
}
