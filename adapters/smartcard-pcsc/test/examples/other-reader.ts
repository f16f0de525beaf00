import { readCard, smartcardSource, type CardConnection, type SmartcardSource } from '@lapwing/smartcard';

/** A modem or a reader of your own: what powers the card and what carries a command to it. */
export interface Modem {
  powerCard(): Promise<Uint8Array | undefined>;
  sendApdu(command: Uint8Array): Promise<Uint8Array>;
  release(): Promise<void>;
}

export function modemSource(modem: Modem): SmartcardSource {
  return smartcardSource({
    connect: async (): Promise<CardConnection | undefined> => {
      const atr = await modem.powerCard();
      if (atr === undefined) return undefined;
      return { atr, transmit: (command) => modem.sendApdu(command), close: () => modem.release() };
    },
  });
}

/** What is on the card, and if nothing is, why. */
export async function describeCard(modem: Modem): Promise<string> {
  const reading = await readCard((command) => modem.sendApdu(command));
  if (reading.kind !== 'read') return reading.reason;
  return reading.objects.map(({ instances, objectId }) => `Object ${objectId}: ${instances.length} bytes`).join(', ');
}
