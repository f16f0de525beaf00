/** What is wrong with a configuration, by where: JSON Pointers (RFC 6901) into it, as the server's problems name them. */

export class Mistakes {
  readonly #sentences = new Map<string, string>();

  /** The first sentence about a place stays. */
  add(pointer: string, sentence: string): void {
    if (!this.#sentences.has(pointer)) this.#sentences.set(pointer, sentence);
  }

  get size(): number {
    return this.#sentences.size;
  }

  /** Of exactly this place. */
  at(pointer: string): string | undefined {
    return this.#sentences.get(pointer);
  }

  /** Of this place or anything below it: for a part of the form that shows no more than itself. */
  within(pointer: string): string | undefined {
    for (const [each, sentence] of this.#sentences)
      if (each === pointer || each.startsWith(`${pointer}/`)) return sentence;
    return undefined;
  }

  all(): readonly (readonly [pointer: string, sentence: string])[] {
    return [...this.#sentences];
  }
}

export const NO_MISTAKES = new Mistakes();

/** `/servers/0` and what follows it, each part escaped. */
export const pointerTo = (base: string, ...parts: readonly (string | number)[]): string =>
  base + parts.map((part) => `/${String(part).replace(/~/g, '~0').replace(/\//g, '~1')}`).join('');

const PART_WORDS: Readonly<Record<string, string>> = {
  servers: 'LwM2M Server',
  bootstrapServers: 'Bootstrap-Server account',
  accessControl: 'Access Control',
  objects: 'Object',
};

/** "LwM2M Server 2" for "/servers/1/uri": where to look for what is wrong. */
export const placeWords = (pointer: string): string | undefined => {
  const [, part = '', index] = pointer.split('/');
  const words = PART_WORDS[part];
  if (words === undefined) return undefined;
  return index === undefined ? words : `${words} ${Number(index) + 1}`;
};
