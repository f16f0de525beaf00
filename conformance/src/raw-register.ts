/** A device without a stack of LwM2M: it sends one Register, as it is given, tells the answer, and is gone without a word. */
import assert from 'node:assert/strict';
import { buildOptions, Codes, decodeUtf8, formatCode } from '@lapwing/coap';
import type { ClientCredentials } from '@lapwing/dtls';
import type { SimulatedNetwork } from '@lapwing/testkit';
import type { PeerAddress } from '@lapwing/transport';
import type { RawAnswer } from './raw-device.ts';

/** The code and the text. */
type Answer = Pick<RawAnswer, 'code' | 'text'>;

const LINKS = '</1/0>,</3/0>';

/**
 * @param queries  "ep=a", "lt=60"...
 * @param credentials  undefined: over plain coap.
 */
export async function register(
  network: SimulatedNetwork,
  server: PeerAddress,
  queries: readonly string[],
  credentials?: ClientCredentials,
): Promise<Answer> {
  const at = { host: '10.4.0.1', port: 5683 };
  const driver = credentials === undefined ? network.driver(at) : network.secureDriver(at);
  const answers: Answer[] = [];
  driver.onEvent = (event): void => {
    if (event.kind !== 'response') return;
    const { code, payload } = event.response;
    answers.push({ code: formatCode(code), text: decodeUtf8(payload) ?? '' });
  };
  const peer =
    credentials !== undefined && 'connect' in driver ? driver.connect(server, { credentials }) : driver.peer(server);
  const options = buildOptions({ uriPath: ['rd'], uriQuery: queries, contentFormat: 40 });
  const request = { code: Codes.post, options, payload: new TextEncoder().encode(LINKS) };
  driver.turn((now, out) => driver.endpoint.request(now, peer, request, out));
  await network.run(10_000);
  const { conditions } = network;
  network.conditions = { ...conditions, loss: 1 };
  await driver.close();
  network.conditions = conditions;
  const [answer] = answers;
  assert.ok(answer !== undefined, `${queries.join('&')} was not answered`);
  return answer;
}
