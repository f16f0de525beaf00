/**
 * Profile IDs: a client names lists of Objects that the Server knows instead of sending them. OMA TS Core 1.2 §6.2.1.
 *
 * How the hash in an ID is made is not specified well enough to make it here, so an ID is a name for what the operator
 * says it stands for. Nothing is learnt from a client that sends an ID and links: the links may be only what the profile
 * does not have, and another client would be taken for what this one said.
 */
import { UsageError } from '@lapwing/coap';
import { isMalformed, isProfileId, parseObjectLinks } from '@lapwing/lwm2m';

export class Profiles {
  readonly #links = new Map<string, Uint8Array>();

  /**
   * @param profiles  by Profile ID, in the link format of a Register: `</1/0>,</3/0>`.
   * @throws UsageError when an ID or a list is none.
   */
  constructor(profiles: Readonly<Record<string, string>>) {
    for (const [id, links] of Object.entries(profiles)) {
      if (!isProfileId(id)) throw new UsageError(`"${id}" is no Profile ID`);
      const parsed = parseObjectLinks(links, '1.2');
      if (isMalformed(parsed)) throw new UsageError(`profile ${id}: ${parsed.malformed}`);
      if (parsed.objects.length === 0) throw new UsageError(`profile ${id} has no Object`);
      this.#links.set(id, new TextEncoder().encode(links));
    }
  }

  /** All profiles and the links of the payload as one list; undefined when an ID is not known. What comes last counts. */
  merged(ids: readonly string[], payload: Uint8Array): Uint8Array | undefined {
    const parts: Uint8Array[] = [];
    for (const id of ids) {
      const links = this.#links.get(id);
      if (links === undefined) return undefined;
      parts.push(links, COMMA);
    }
    if (payload.length > 0) parts.push(payload);
    else parts.pop();
    return Buffer.concat(parts);
  }
}

const COMMA = Uint8Array.of(0x2c);
