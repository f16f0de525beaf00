/** A slot that smartcards with accounts are put into. OMA TS Core Appendix G. */
import { encodeBootstrapFile, smartcardSource, type SmartcardSource } from '@lapwing/smartcard';
import { lwm2mCardFiles, VirtualCard } from '@lapwing/testkit';
import { payloadOf, type Given } from './given.ts';

const TLV = 11542;

export class CardSlot {
  card: VirtualCard | undefined = undefined;

  readonly source: SmartcardSource = smartcardSource({
    connect: () => {
      const { card } = this;
      return Promise.resolve(
        card && {
          atr: card.atr,
          transmit: (command) => Promise.resolve(card.respond(command)),
          close: () => Promise.resolve(),
        },
      );
    },
  });
}

/** @param objects  what the card holds, by Object ID. */
export function cardWith(objects: { readonly [objectId: number]: Given }): VirtualCard {
  const file = encodeBootstrapFile(
    Object.entries(objects).map(([objectId, given]) => ({
      objectId: Number(objectId),
      version: undefined,
      instances: payloadOf(`/${objectId}`, given, TLV),
    })),
    { fileBytes: 2_000 },
  );
  return new VirtualCard(lwm2mCardFiles({ file }));
}
