/** Finds the route of a request. Fixed segments win over named ones, as in Meilisearch. */
import type { Answer } from './answer';
import type { NodeRequest } from './request';

/** `named` holds the segments that the pattern names. */
export type Handler = (request: NodeRequest, named: Readonly<Record<string, string>>) => Answer;

interface Route {
  readonly parts: readonly string[];
  readonly handlers: Map<string, Handler>;
  readonly fixedParts: number;
}

export type Match =
  | { readonly kind: 'found'; readonly handler: Handler; readonly named: Record<string, string> }
  | { readonly kind: 'wrongMethod'; readonly allowed: string }
  | { readonly kind: 'unknown' };

export class Router {
  private readonly routes = new Map<number, Route[]>();

  /** Patterns are written `/indexes/:uid/stats`. */
  add(method: string, pattern: string, handler: Handler): void {
    const parts = pattern.split('/').filter((part) => part !== '');
    const ofLength = this.routes.get(parts.length) ?? [];
    this.routes.set(parts.length, ofLength);
    const key = parts.join('/');
    let route = ofLength.find((other) => other.parts.join('/') === key);
    if (route === undefined) {
      const fixedParts = parts.filter((part) => !part.startsWith(':')).length;
      route = { parts, handlers: new Map(), fixedParts };
      ofLength.push(route);
      ofLength.sort((left, right) => right.fixedParts - left.fixedParts);
    }
    route.handlers.set(method, handler);
  }

  find(method: string, segments: readonly string[]): Match {
    const route = this.routes
      .get(segments.length)
      ?.find(({ parts }) =>
        parts.every((part, at) => part.startsWith(':') || part === segments[at]),
      );
    if (route === undefined) return { kind: 'unknown' };
    const handler = route.handlers.get(method);
    if (handler === undefined) {
      return { kind: 'wrongMethod', allowed: [...route.handlers.keys()].join(', ') };
    }
    const named: Record<string, string> = {};
    route.parts.forEach((part, at) => {
      if (part.startsWith(':')) named[part.slice(1)] = segments[at] ?? '';
    });
    return { kind: 'found', handler, named };
  }
}
