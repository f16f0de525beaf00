/** Which methods an address of the API knows, so that another one is answered 405 with `Allow` (RFC 9110 §15.5.6). */
import type { Http } from './context.ts';

export class AllowedMethods {
  readonly #methods = new Map<string, { readonly pattern: RegExp; readonly methods: Set<string> }>();

  /** Learn every route of the API that is registered from here on. */
  constructor(http: Http) {
    http.addHook('onRoute', ({ url, method }) => {
      // The console answers to any path.
      if (!url.startsWith('/api/')) return;
      const known = this.#methods.get(url) ?? { pattern: patternOf(url), methods: new Set<string>() };
      this.#methods.set(url, known);
      for (const each of [method].flat()) known.methods.add(each);
    });
  }

  /** In the order of the alphabet; empty when nothing is at this path. */
  of(path: string): readonly string[] {
    const found = [...this.#methods.values()].filter(({ pattern }) => pattern.test(path));
    return [...new Set(found.flatMap(({ methods }) => [...methods]))].sort();
  }
}

/** Of a route like "/devices/:name/nodes/*". */
const patternOf = (url: string): RegExp =>
  new RegExp(
    `^${url
      .replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&')
      .replaceAll(/:[A-Za-z]+/g, '[^/]+')
      .replaceAll('*', '.*')}$`,
  );
