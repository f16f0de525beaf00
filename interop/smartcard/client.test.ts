/**
 * A client whose accounts are on a smartcard in a real PC/SC service: they come and go with the card. The virtual cards
 * are ours, pcscd and the virtual reader are Debian's. OMA test case 1.1-int-3 is the first of it.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { FileStateStore, LwM2mClient } from '@lapwing/client';
import { encodePayload, isMalformed, ObjectDefinitions, objectPath, resourcePath } from '@lapwing/lwm2m';
import type { NodeEntry, Value } from '@lapwing/lwm2m';
import { LwM2mServer, unwrap } from '@lapwing/server';
import type { Registration } from '@lapwing/server';
import { encodeBootstrapFile } from '@lapwing/smartcard';
import { PcscSmartcard } from '@lapwing/smartcard-pcsc';
import { lwm2mCardFiles, VirtualCard } from '@lapwing/testkit';
import { missingPcsc, PcscService } from '../src/pcsc-service.ts';
import { InsertedCard } from '../src/virtual-card-slot.ts';

const NAME = 'urn:dev:os:32473-card';
const TLV = 11542;
const definitions = new ObjectDefinitions();

function tlv(objectId: number, values: readonly (readonly [resourceId: number, value: Value])[]): Uint8Array {
  const entries = values.map(([resourceId, value]): NodeEntry => ({
    kind: 'value',
    path: resourcePath(objectId, 0, resourceId),
    value,
  }));
  const encoded = encodePayload(TLV, entries, { path: objectPath(objectId), definitions, alternatePath: '' });
  assert.ok(!isMalformed(encoded));
  return encoded;
}
const text = (value: string): Value => ({ type: 'string', value });
const integer = (value: number): Value => ({ type: 'integer', value });
const boolean = (value: boolean): Value => ({ type: 'boolean', value });
const NOTHING: Value = { type: 'opaque', value: new Uint8Array(0) };

/** A card with the account of one server. */
const cardFor = (uri: string, lifetimeSeconds: number): VirtualCard =>
  new VirtualCard(
    lwm2mCardFiles({
      file: encodeBootstrapFile(
        [
          {
            objectId: 0,
            version: undefined,
            instances: tlv(0, [[0, text(uri)], [1, boolean(false)], [2, integer(3)], [3, NOTHING], [4, NOTHING], [5, NOTHING], [10, integer(2)]]), // prettier-ignore
          },
          {
            objectId: 1,
            version: undefined,
            instances: tlv(1, [[0, integer(2)], [1, integer(lifetimeSeconds)], [6, boolean(false)], [7, text('U')]]), // prettier-ignore
          },
        ],
        { fileBytes: 1_000 },
      ),
    }),
  );

describe('a client and the smartcard in a PC/SC reader', { skip: missingPcsc() }, () => {
  let service: PcscService;
  before(async () => void (service = await PcscService.start()));
  after(async () => service[Symbol.asyncDispose]());

  it('registers with the server on the card, also after a restart, and with that of the factory without it', async () => {
    const listen = { coap: [{ host: '127.0.0.1', port: 0 }] };
    await using factory = await LwM2mServer.start(listen);
    await using other = await LwM2mServer.start(listen);
    const uriOf = (server: LwM2mServer): string => `coap://127.0.0.1:${server.drivers[0]!.localAddress.port}`;
    const registration = async (server: LwM2mServer): Promise<Registration> => {
      const known = server.device(NAME)?.registration;
      return known ?? ((await once(server, 'registered')) as [Registration])[0];
    };
    const lifetimeAt = async (server: LwM2mServer): Promise<unknown> => {
      const read = unwrap(await server.device(NAME)!.read(resourcePath(1, 0, 1)));
      return read.node?.kind === 'resource' ? read.node.value.value : undefined;
    };
    const folder = await mkdtemp(join(tmpdir(), 'lapwing-'));
    const start = (smartcard: PcscSmartcard): Promise<LwM2mClient> =>
      LwM2mClient.start({
        endpointClientName: NAME,
        servers: [{ uri: uriOf(factory), lifetimeSeconds: 86_400 }],
        smartcard,
        objects: [],
        stateStore: new FileStateStore(join(folder, 'state.json')),
      });

    {
      await using smartcard = await PcscSmartcard.open({ retryInterval: 200 });
      await using _ = await start(smartcard);
      await registration(factory);
      assert.equal(await lifetimeAt(factory), 86_400);
      factory.remove(NAME);

      const card = await InsertedCard.insert(cardFor(uriOf(other), 43_200), service.ports[0]);
      await registration(other);
      assert.equal(await lifetimeAt(other), 43_200);
      assert.equal(factory.device(NAME), undefined);
      other.remove(NAME);

      const again = registration(factory);
      await card[Symbol.asyncDispose]();
      await again;
      assert.equal(await lifetimeAt(factory), 86_400);
    }
    factory.remove(NAME);
    {
      await using _card = await InsertedCard.insert(cardFor(uriOf(other), 1_000), service.ports[0]);
      await using smartcard = await PcscSmartcard.open({ retryInterval: 200 });
      for (let starts = 0; starts < 2; starts++) {
        await using _ = await start(smartcard);
        await registration(other);
        assert.equal(await lifetimeAt(other), 1_000);
        other.remove(NAME);
      }
    }
    await rm(folder, { recursive: true });
  });
});
