/** Our CoAP endpoint over UDP, with one small resource. */
import { Codes, buildOptions, readOptions } from '@lapwing/coap';
import type { OutgoingResponse } from '@lapwing/coap';
import { UdpDriver } from '@lapwing/transport';
import { serveParent } from './parent.ts';

const found: OutgoingResponse = {
  code: Codes.content,
  options: buildOptions({ contentFormat: 0 }),
  payload: new TextEncoder().encode('Nov 22 12:00:00'),
};
const notFound: OutgoingResponse = { code: Codes.notFound, options: [], payload: new Uint8Array(0) };

const driver = await UdpDriver.bind({ host: '127.0.0.1', port: 0 });
driver.onEvent = (event) => {
  if (event.kind !== 'request') return;
  const { code, options } = event.request;
  const path = readOptions(options, 'uriPath');
  const response = code === Codes.get && path.length === 1 && path[0] === 'time' ? found : notFound;
  driver.turn((now, out) => driver.endpoint.respond(now, event.request, response, out));
};
serveParent(driver.localAddress.port);
