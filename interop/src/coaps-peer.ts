/** Our CoAP endpoint over DTLS over a real socket, with promises for how associations begin and end. */
import type { Association, CloseReason, ConnectOptions, Lookup, LookupAnswer, Refusal } from '@lapwing/dtls';
import type { Peer } from '@lapwing/coap';
import { DtlsDriver, type AssociationEvent, type DtlsDriverOptions, type PeerAddress } from '@lapwing/transport';
import { CoapPeer } from './coap-peer.ts';
import { Mailbox } from './mailbox.ts';

export interface CoapsPeerOptions extends Omit<DtlsDriverOptions, 'host' | 'port'> {
  /** Default: everything asked for is unknown. */
  readonly answer?: (lookup: Lookup) => LookupAnswer;
}

export type CoapsOutcome =
  | { readonly kind: 'opened'; readonly association: Association }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export class CoapsPeer extends CoapPeer<DtlsDriver> {
  /** How each handshake ended, in order. */
  readonly outcomes: Mailbox<CoapsOutcome> = new Mailbox();
  readonly closed: Mailbox<CloseReason> = new Mailbox();
  readonly #answer: (lookup: Lookup) => LookupAnswer;

  static async listen({ answer, ...options }: CoapsPeerOptions = {}): Promise<CoapsPeer> {
    return new CoapsPeer(await DtlsDriver.bind({ ...options, host: '127.0.0.1', port: 0 }), answer);
  }

  private constructor(driver: DtlsDriver, answer: CoapsPeerOptions['answer']) {
    super(driver);
    this.#answer = answer ?? (() => ({ kind: 'unknown' }));
    driver.onAssociation = (event) => this.#associationChanged(event);
  }

  /** An open association with a server. Rejects with the sentence of the refusal. */
  async connect(to: PeerAddress, options: ConnectOptions): Promise<Peer<PeerAddress>> {
    const peer = this.driver.connect(to, options);
    const outcome = await this.outcomes.take();
    if (outcome.kind === 'refused') throw new Error(outcome.refusal.text);
    return peer;
  }

  #associationChanged(event: AssociationEvent): void {
    switch (event.kind) {
      case 'opened':
        return this.outcomes.put({ kind: 'opened', association: event.association });
      case 'refused':
        return this.outcomes.put({ kind: 'refused', refusal: event.refusal });
      case 'closed':
        return this.closed.put(event.reason);
      case 'lookup':
        return this.driver.answer(event.lookup, this.#answer(event.lookup));
      case 'moved':
    }
  }
}
