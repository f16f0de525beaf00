import { LwM2mClient, typedObject } from '@lapwing/client';
import { LightControl } from '@lapwing/lwm2m';

/** A lamp: On/Off is code, Dimmer and the application type are values that the library keeps. */
export async function startLamp(serverUri: string, lamp: { on: boolean }): Promise<LwM2mClient> {
  const light = LightControl.path(0);
  const client = await LwM2mClient.start({
    endpointClientName: 'urn:dev:os:32473-lamp',
    servers: [{ uri: serverUri }],
    objects: [
      typedObject(LightControl, [
        {
          onOff: {
            read: () => lamp.on,
            write: (on) => {
              lamp.on = on;
            },
          },
          dimmer: 80,
          applicationType: 'Desk lamp',
        },
      ]),
    ],
  });
  client.on('written', () => {
    console.log(`switched ${lamp.on ? 'on' : 'off'}, dimmed to ${client.get(light.dimmer)} %`);
  });
  return client;
}
