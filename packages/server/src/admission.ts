/**
 * Who may speak as which Endpoint Client Name. The server MUST compare the name with the identity that the secure
 * channel has proven (OMA TS Core §6.2.1, Transport §5.2): a PSK identity and a raw public key belong to one name, a
 * certificate names it in its Common Name or among its alternative names.
 *
 * | proven                 | entry for it                     | may register as                              |
 * |------------------------|----------------------------------|----------------------------------------------|
 * | PSK identity           | there must be one                | the name of the entry                        |
 * | raw public key         | there must be one                | the name of the entry                        |
 * | certificate            | of the name, of kind x509        | a name in it, if it is the pinned one        |
 * |                        | none of the name                 | a name in it, if `acceptUnlistedCertificates` |
 * |                        | of the name, of other kinds only | nothing: the device must prove itself with those |
 * | nothing (plain coap)   | none of the name                 | any name that is not registered over coaps   |
 * |                        | any of the name                  | nothing, with `refuseDowngrade`              |
 */
import { Codes, type Code, type PeerSecurity } from '@lapwing/coap';
import { identityText, type Lookup, type LookupAnswer, type Principal } from '@lapwing/dtls';
import { publicKeyText } from '@lapwing/transport';
import type { ServerParameters } from './parameters.ts';
import type { MaybePromise } from './registration-store.ts';
import type { SecurityEntry, SecurityStore } from './security-store.ts';

export type Admission =
  | { readonly kind: 'allowed'; readonly endpointClientName: string }
  | { readonly kind: 'refused'; readonly code: Code; readonly reason: string };

type CertificatePrincipal = Extract<Principal, { kind: 'x509' }>;
export type AdmissionParameters = Pick<ServerParameters, 'refuseDowngrade' | 'acceptUnlistedCertificates'>;

export class Admissions {
  readonly #store: SecurityStore;
  readonly #parameters: AdmissionParameters;

  constructor(store: SecurityStore, parameters: AdmissionParameters) {
    this.#store = store;
    this.#parameters = parameters;
  }

  /** @param name  undefined when the Register named nobody: the identity then gives the name, if it has just one. */
  ofSecure(principal: Principal, name: string | undefined): MaybePromise<Admission> {
    switch (principal.kind) {
      case 'psk':
        return afterwards(this.#store.findByIdentity(principal.identity), (entry) =>
          byEntry(`identity "${identityText(principal.identity)}"`, entry, name),
        );
      case 'rpk':
        return afterwards(this.#store.findByPublicKey(principal.publicKey), (entry) =>
          byEntry(`public key ${publicKeyText(principal.publicKey)}`, entry, name),
        );
      case 'x509': {
        const wanted = name ?? principal.commonName;
        if (wanted === undefined) return NAMELESS;
        if (!namesOf(principal).includes(wanted))
          return refused(
            Codes.badRequest,
            `the certificate is valid, endpoint "${wanted}" is not allowed: it is for ${namesText(principal)}`,
          );
        return afterwards(this.#store.findByName(wanted), (entries) => {
          const reason = this.#refuseCertificate(principal, entries);
          return reason === undefined
            ? allowed(wanted)
            : refused(Codes.forbidden, `endpoint "${wanted}" is not allowed: ${reason}`);
        });
      }
      case 'anonymous':
        return refused(Codes.forbidden, 'the client has not proven who it is');
    }
  }

  /** @param current  how the name is registered now. */
  ofPlain(name: string | undefined, current: PeerSecurity | undefined): MaybePromise<Admission> {
    if (name === undefined) return NAMELESS;
    if (!this.#parameters.refuseDowngrade) return allowed(name);
    if (current !== undefined && current.kind !== 'none') return downgrade(name);
    return afterwards(this.#store.findByName(name), (entries) =>
      entries.length === 0 ? allowed(name) : downgrade(name),
    );
  }

  /** A handshake asks. */
  answer(lookup: Lookup): MaybePromise<LookupAnswer> {
    switch (lookup.kind) {
      case 'psk':
        return afterwards(this.#store.findByIdentity(lookup.identity), (entry) =>
          entry === undefined ? UNKNOWN : { kind: 'key', key: entry.key },
        );
      case 'rpk':
        return afterwards(this.#store.findByPublicKey(lookup.publicKey), (entry) =>
          entry === undefined ? UNKNOWN : ACCEPTED,
        );
      case 'x509':
        return afterwards(this.#knows(lookup.principal), (known) => (known ? ACCEPTED : UNKNOWN));
    }
  }

  /** Whether an identity that was proven before, in a session that was resumed, is still welcome. */
  isKnown(principal: Principal): MaybePromise<boolean> {
    switch (principal.kind) {
      case 'psk':
        return afterwards(this.#store.findByIdentity(principal.identity), (entry) => entry !== undefined);
      case 'rpk':
        return afterwards(this.#store.findByPublicKey(principal.publicKey), (entry) => entry !== undefined);
      case 'x509':
        return this.#knows(principal);
      case 'anonymous':
        return true;
    }
  }

  /** A certificate is welcome when there is a name in it that it may register as. */
  #knows(principal: CertificatePrincipal): MaybePromise<boolean> {
    const names = namesOf(principal).slice(0, MAX_NAMES);
    const ask = (index: number): MaybePromise<boolean> => {
      const name = names[index];
      if (name === undefined) return false;
      return afterwards(this.#store.findByName(name), (entries) =>
        this.#refuseCertificate(principal, entries) === undefined ? true : ask(index + 1),
      );
    };
    return ask(0);
  }

  /** Why not, or undefined. @param entries  of the name in question. */
  #refuseCertificate({ fingerprint }: CertificatePrincipal, entries: readonly SecurityEntry[]): string | undefined {
    const entry = entries.find(({ kind }) => kind === 'x509');
    if (entry === undefined) {
      if (entries.length > 0) return 'it proves itself with other credentials than a certificate';
      return this.#parameters.acceptUnlistedCertificates ? undefined : 'no certificate is expected for it';
    }
    if (entry.kind !== 'x509' || entry.fingerprint === undefined || isSame(entry.fingerprint, fingerprint))
      return undefined;
    return 'another certificate is pinned for it';
  }
}

/** The names a certificate vouches for, the Common Name first; compared byte for byte, URNs like the others. OMA TS Transport §5.2.8. */
export const namesOf = ({ commonName, alternativeNames }: CertificatePrincipal): readonly string[] =>
  commonName === undefined ? alternativeNames : [commonName, ...alternativeNames];

/** Names of one certificate that are looked up. */
const MAX_NAMES = 16;

const ACCEPTED: LookupAnswer = Object.freeze({ kind: 'accepted' });
const UNKNOWN: LookupAnswer = Object.freeze({ kind: 'unknown' });
const NAMELESS: Admission = Object.freeze({
  kind: 'refused',
  code: Codes.badRequest,
  reason: 'ep, the Endpoint Client Name, is missing',
});

const allowed = (endpointClientName: string): Admission => ({ kind: 'allowed', endpointClientName });
const refused = (code: Code, reason: string): Admission => ({ kind: 'refused', code, reason });
const downgrade = (name: string): Admission =>
  refused(Codes.forbidden, `endpoint "${name}" has credentials here: it must come over coaps`);

function byEntry(who: string, entry: SecurityEntry | undefined, name: string | undefined): Admission {
  // Taken away since the handshake.
  if (entry === undefined) return refused(Codes.forbidden, `${who} is not known any more`);
  const own = entry.endpointClientName;
  if (name === undefined || name === own) return allowed(own);
  return refused(Codes.badRequest, `${who} is known, endpoint "${name}" is not allowed: it belongs to "${own}"`);
}

function namesText(principal: CertificatePrincipal): string {
  const names = namesOf(principal);
  if (names.length === 0) return 'nobody';
  const shown = names.slice(0, 3).map((name) => `"${name}"`);
  return names.length > 3 ? `${shown.join(', ')} and ${names.length - 3} more` : shown.join(', ');
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index]);

/** At once when it is there, else when it comes. */
export function afterwards<From, To>(
  value: MaybePromise<From>,
  next: (value: From) => MaybePromise<To>,
): MaybePromise<To> {
  return value instanceof Promise ? value.then(next) : next(value);
}
