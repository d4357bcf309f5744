/**
 * Goal: an error of a node reads as if one Meilisearch with the client's settings had made it.
 * Method: the texts that nodes with physical settings send, each with the text of the real one.
 */
import { translateNodeError } from '../../../core/search/node-error';
import { settingsOf } from './answers';

const filterable = settingsOf({
  filterableAttributes: ['genre', 'year'],
  sortableAttributes: ['year'],
});

const translated = (
  message: string,
  settings = filterable,
  code = 'invalid_search_filter',
): string =>
  translateNodeError({
    body: { message, code, type: 'invalid_request', link: 'x' },
    status: 400,
    indexUid: 'books',
    physicalUid: 'm-1f',
    settings,
  }).message;

describe('errors of nodes', () => {
  it.each([
    [
      'Index `m-1f`: Attribute `doggo` is not filterable. Available filterable attribute patterns are: `_miroir_bucket`, `_miroir_expires_at`, `_miroir_slot`, `genre`, `year`.\n2:7 "doggo" = "1"',
      'Index `books`: Attribute `doggo` is not filterable. Available filterable attribute patterns are: `genre`, `year`.\n2:7 "doggo" = "1"',
    ],
    [
      'Invalid facet distribution: Pattern `x` is not filterable. Available filterable attributes patterns are: `_miroir_bucket, _miroir_expires_at, _miroir_slot, genre, year`.',
      'Invalid facet distribution: Pattern `x` is not filterable. Available filterable attributes patterns are: `genre, year`.',
    ],
    [
      'Index `m-1f`: Attribute `x` is not sortable. Available sortable attributes are: `_miroir_seq, year`.',
      'Index `books`: Attribute `x` is not sortable. Available sortable attributes are: `year`.',
    ],
    [
      'Attribute `x` matched rule #4 in filterableAttributes, but this rule does not enable filtering.\nHint: enable filtering in rule #4 by modifying the features.filter object',
      'Attribute `x` matched rule #1 in filterableAttributes, but this rule does not enable filtering.\nHint: enable filtering in rule #1 by modifying the features.filter object',
    ],
    ['Index `m-1f` not found.', 'Index `books` not found.'],
    [
      'Was expecting a value but instead got nothing.\n8:8 genre =',
      'Was expecting a value but instead got nothing.\n8:8 genre =',
    ],
  ])('%s', (node, client) => {
    expect(translated(node)).toBe(client);
  });

  it('of an index without filterable or sortable attributes name none', () => {
    const none = settingsOf();
    expect(
      translated(
        'Index `m-1f`: Attribute `a` is not filterable. Available filterable attribute patterns are: `_miroir_bucket`, `_miroir_expires_at`, `_miroir_slot`.\n2:3 "a" = "1"',
        none,
      ),
    ).toBe(
      'Index `books`: Attribute `a` is not filterable. This index does not have configured filterable attributes.\n2:3 "a" = "1"',
    );
    expect(
      translated(
        'Index `m-1f`: Attribute `x` is not sortable. Available sortable attributes are: `_miroir_seq`.',
        none,
      ),
    ).toBe(
      'Index `books`: Attribute `x` is not sortable. This index does not have configured sortable attributes.',
    );
    expect(
      translated(
        'Invalid facet distribution: Pattern `x` is not filterable. Available filterable attributes patterns are: `_miroir_bucket, _miroir_expires_at, _miroir_slot`.',
        none,
      ),
    ).toBe(
      'Invalid facet distribution: Pattern `x` is not filterable. This index does not have configured filterable attributes.',
    );
  });

  it('do not name fields that are not displayed where the engine would not', () => {
    const settings = settingsOf({
      displayedAttributes: ['year'],
      sortableAttributes: ['secret', 'year'],
    });
    expect(
      translated(
        'Index `m-1f`: Attribute `x` is not sortable. Available sortable attributes are: `_miroir_seq, secret, year`.',
        settings,
      ),
    ).toBe(
      'Index `books`: Attribute `x` is not sortable. Available sortable attributes are: `year, <..hidden-attributes>`.',
    );
  });

  it('keep their code and status, and are internal without a known one', () => {
    const context = { status: 404, indexUid: 'b', physicalUid: 'p', settings: filterable };
    const body = { message: 'Index `p` not found.', code: 'index_not_found' };
    expect(translateNodeError({ ...context, body })).toMatchObject({
      code: 'index_not_found',
      status: 404,
    });
    expect(translateNodeError({ ...context, body: null })).toMatchObject({ code: 'internal' });
    expect(translateNodeError({ ...context, body: { message: 'x', code: 'nope' } }).code).toBe(
      'internal',
    );
  });
});
