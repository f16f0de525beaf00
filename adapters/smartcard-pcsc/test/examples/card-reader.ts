import { PcscSmartcard } from '@lapwing/smartcard-pcsc';

/** Reads the card that is in, and again whenever one is put in or taken out. */
export async function watchCards(): Promise<PcscSmartcard> {
  const smartcard = await PcscSmartcard.open({
    onReading: (reader, reading) => console.log(reader, reading.kind, 'reason' in reading ? reading.reason : ''),
  });
  const look = async (): Promise<void> => {
    try {
      const content = await smartcard.read();
      console.log(content === undefined ? 'nothing to bootstrap from' : `Objects of card ${content.fingerprint}`);
    } catch (error) {
      console.error(error); // The reader failed, or the card was taken out meanwhile: the next change comes.
    }
  };
  smartcard.onChange(() => void look());
  await look();
  return smartcard;
}
