/** How a write changes which ids have which place, from its begin on. */
export type PlaceChange =
  | { readonly kind: 'set'; readonly places: ReadonlyMap<string, number> }
  | { readonly kind: 'remove'; readonly ids: readonly string[] }
  | { readonly kind: 'clear' };
