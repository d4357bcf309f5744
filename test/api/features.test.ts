/**
 * Goal: the features in memory are the newest that were asked for.
 * Method: two loads whose answers arrive in the other order.
 */
import { Features } from '../../api/features';
import type { Store } from '../../store/types';

test('a load that was begun earlier and ends later changes nothing', async () => {
  const answers: ((enabled: boolean) => void)[] = [];
  const list = (): Promise<{ name: string; enabled: boolean }[]> =>
    new Promise((resolve) =>
      answers.push((enabled) => resolve([{ name: 'containsFilter', enabled }])),
    );
  const features = new Features({ experimentalFeatures: { list } } as unknown as Store);
  const older = features.reload();
  const newer = features.reload();
  answers[1]?.(true);
  await newer;
  answers[0]?.(false);
  await older;
  expect(features.enabled('containsFilter')).toBe(true);
});
