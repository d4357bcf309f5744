/**
 * Goal: what a node has and nobody asks for is a difference, else it is neither found nor taken back.
 * Method: synonyms on a node that the catalogue does not have. The model showed it (seeds 50466, 100993):
 * a change of synonyms had failed, and the node that had taken it went on answering by them.
 */
import { differingSettings, sameSettings } from '../../../core/settings/compare';
import { defaultSettings } from '../../../core/settings/defaults';
import { physicalSettings } from '../../../core/settings/physical';

test('synonyms that nobody asks for are a difference', () => {
  const shown = { ...physicalSettings(defaultSettings()), synonyms: { sun: ['star'] } };
  expect(differingSettings(defaultSettings(), shown)).toEqual(['synonyms']);
});

test('one synonym too many is a difference, their order is none', () => {
  const sent = { sun: ['star', 'moon'] };
  expect(sameSettings('synonyms', { sun: ['moon', 'star'] }, sent)).toBe(true);
  expect(sameSettings('synonyms', { sun: ['moon', 'star'], star: ['sun'] }, sent)).toBe(false);
  expect(sameSettings('synonyms', {}, sent)).toBe(false);
});
