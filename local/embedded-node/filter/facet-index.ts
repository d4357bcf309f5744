/**
 * The values of filterable attributes, per attribute: by value for filters, by document for facets.
 * It is built from documents and from the setting `filterableAttributes` alone, so that it can be
 * used without a server.
 */
import { isObject, numberOf } from '../engine/json';
import type { Json, JsonObject } from '../engine/json';
import { compareUtf8, normalizeFacet } from '../engine/fields';
import { OrderedPostings } from './ordered-keys';
import { facetSelection, isFilterable, matchingRule, parseRules } from './rules';
import type { FilterableRule, RuleFeatures } from './rules';

/** The values one document has for one attribute. */
export interface DocumentFacets {
  readonly numbers: Set<number>;
  /** Original spelling by normalised value; of two spellings in one document the last stays. */
  readonly strings: Map<string, string>;
}

/** All values of one attribute. */
export class FacetField {
  readonly numbers = new OrderedPostings<number>((left, right) => left - right);
  readonly strings = new OrderedPostings<string>(compareUtf8);
  readonly byDocument = new Map<number, DocumentFacets>();
  readonly exists = new Set<number>();
  readonly isNull = new Set<number>();
  readonly isEmpty = new Set<number>();

  facetsOf(docid: number): DocumentFacets {
    let facets = this.byDocument.get(docid);
    if (facets === undefined) {
      facets = { numbers: new Set(), strings: new Map() };
      this.byDocument.set(docid, facets);
    }
    return facets;
  }

  remove(docid: number): void {
    const facets = this.byDocument.get(docid);
    for (const value of facets?.numbers ?? []) this.numbers.remove(value, docid);
    for (const value of facets?.strings.keys() ?? []) this.strings.remove(value, docid);
    this.byDocument.delete(docid);
    this.exists.delete(docid);
    this.isNull.delete(docid);
    this.isEmpty.delete(docid);
  }
}

/** A latitude or longitude, also when written as a text. */
function coordinate(value: Json | undefined): number | null {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : numberOf(value);
  return number !== null && Number.isFinite(number) ? number : null;
}

export class FacetIndex {
  readonly rules: readonly FilterableRule[];
  readonly fields = new Map<string, FacetField>();
  readonly documents = new Set<number>();
  readonly points = new Map<number, readonly [number, number]>();
  private readonly selections = new Map<string, ReturnType<typeof facetSelection>>();
  private readonly features = new Map<string, RuleFeatures | null>();
  private readonly touched = new Map<number, Set<string>>();

  /** `filterableAttributes` must have been checked. */
  constructor(filterableAttributes: readonly Json[]) {
    this.rules = parseRules(filterableAttributes);
  }

  /** Whether `_geoRadius` and `_geoBoundingBox` may be used. */
  get hasGeo(): boolean {
    return this.rules.some((rule) => rule.isField && rule.patterns[0] === '_geo');
  }

  /** Adds a document that is not there yet. */
  add(docid: number, document: JsonObject): void {
    this.documents.add(docid);
    for (const [name, value] of document) {
      const selection = this.selection(name);
      if (selection === 'none') continue;
      if (isObject(value)) {
        this.walkObject(docid, name, value);
        if (selection === 'match') this.value(docid, name, value, true);
      } else if (Array.isArray(value)) {
        this.walkArray(docid, name, value);
        if (selection === 'match') this.value(docid, name, value, true);
      } else this.value(docid, name, value, true);
    }
    if (this.hasGeo) this.addPoint(docid, document.get('_geo'));
  }

  remove(docid: number): void {
    if (!this.documents.delete(docid)) return;
    for (const name of this.touched.get(docid) ?? []) this.fields.get(name)?.remove(docid);
    this.touched.delete(docid);
    this.points.delete(docid);
  }

  private addPoint(docid: number, geo: Json | undefined): void {
    if (!isObject(geo)) return;
    const lat = coordinate(geo.get('lat'));
    const lng = coordinate(geo.get('lng'));
    if (lat === null || lng === null) return;
    this.points.set(docid, [lat, lng]);
    this.value(docid, '_geo.lat', lat, true);
    this.value(docid, '_geo.lng', lng, true);
  }

  private selection(name: string): ReturnType<typeof facetSelection> {
    let selection = this.selections.get(name);
    if (selection === undefined) {
      selection = facetSelection(name, this.rules);
      this.selections.set(name, selection);
    }
    return selection;
  }

  private isFilterable(name: string): boolean {
    let features = this.features.get(name);
    if (features === undefined) {
      features = matchingRule(name, this.rules)?.features ?? null;
      this.features.set(name, features);
    }
    return features !== null && isFilterable(features);
  }

  private walkObject(docid: number, base: string, object: JsonObject): void {
    if (object.size === 0) this.value(docid, base, object, true);
    for (const [key, value] of object) {
      const name = `${base}.${key}`;
      const selection = this.selection(name);
      if (selection === 'match') this.value(docid, name, value, true);
      if (selection === 'none') continue;
      if (isObject(value)) this.walkObject(docid, name, value);
      else if (Array.isArray(value)) this.walkArray(docid, name, value);
    }
  }

  private walkArray(docid: number, base: string, items: readonly Json[]): void {
    for (const item of items) {
      if (isObject(item)) this.walkObject(docid, base, item);
      else if (Array.isArray(item)) this.walkArray(docid, base, item);
      else this.value(docid, base, item, false);
    }
  }

  /** `onBase`: the value is the attribute's own, not an item of its array. */
  private value(docid: number, name: string, value: Json, onBase: boolean): void {
    if (this.selection(name) !== 'match') return;
    let field = this.fields.get(name);
    if (field === undefined) {
      field = new FacetField();
      this.fields.set(name, field);
    }
    const touched = this.touched.get(docid);
    if (touched === undefined) this.touched.set(docid, new Set([name]));
    else touched.add(name);
    field.exists.add(docid);
    const number = numberOf(value);
    if (number !== null) {
      field.facetsOf(docid).numbers.add(number);
      field.numbers.add(number, docid);
    } else if (typeof value === 'boolean' || (typeof value === 'string' && value !== '')) {
      const normalized = normalizeFacet(String(value));
      field.facetsOf(docid).strings.set(normalized, String(value));
      field.strings.add(normalized, docid);
    } else if (onBase && this.isFilterable(name)) {
      if (value === null) field.isNull.add(docid);
      else if (value === '' || (isObject(value) ? value.size : (value as Json[]).length) === 0) {
        field.isEmpty.add(docid);
      }
    }
  }
}
