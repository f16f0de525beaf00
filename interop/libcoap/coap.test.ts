/**
 * Our CoAP endpoint and libcoap's example client and server (Debian package libcoap3-bin), in both roles, over real
 * sockets on the loopback interface.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  Codes,
  buildOptions,
  formatCode,
  parseLinks,
  readOption,
  type ObserveRelation,
  type OutgoingRequest,
} from '@lapwing/coap';
import { CoapPeer } from '../src/coap-peer.ts';
import { freeUdpPort, missingTool, runTool, startTool } from '../src/tool.ts';

const NOTHING = new Uint8Array(0);
const CLIENT = 'coap-client-notls';
const SERVER = 'coap-server-notls';
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
/** A body whose every block differs. */
const body = (bytes: number): Uint8Array =>
  Uint8Array.from({ length: bytes }, (_, index) => 33 + ((index * 7 + (index >> 8)) % 90));

describe('libcoap asks, we answer', { skip: missingTool(CLIENT, 'libcoap3-bin') }, () => {
  let ours: CoapPeer;
  let folder: string;
  before(async () => {
    ours = await CoapPeer.open();
    folder = await mkdtemp(join(tmpdir(), 'lapwing-'));
  });
  after(async () => {
    await ours[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
  const uri = (path: string): string => `coap://127.0.0.1:${ours.port}/${path}`;

  it('GET, Confirmable and Non-confirmable (RFC 7252 §5.2)', async () => {
    ours.handle('small', (request, now, out) => {
      ours.driver.endpoint.respond(
        now,
        request,
        {
          code: Codes.content,
          options: buildOptions({ contentFormat: 0 }),
          payload: new TextEncoder().encode('22.3 C'),
        },
        out,
      );
    });
    assert.equal((await runTool(CLIENT, [uri('small')])).stdout.trim(), '22.3 C');
    assert.equal((await runTool(CLIENT, ['-N', uri('small')])).stdout.trim(), '22.3 C');
  });

  it('an unknown path is 4.04', async () => {
    const { stdout, stderr } = await runTool(CLIENT, [uri('nowhere')]);
    assert.match(stdout + stderr, /4\.04/);
  });

  it('an answer that takes its time comes as a separate response (RFC 7252 §5.2.2)', async () => {
    ours.handle('slow', (request) => {
      setTimeout(() => {
        ours.driver.turn((now, out) =>
          ours.driver.endpoint.respond(
            now,
            request,
            { code: Codes.content, options: [], payload: new TextEncoder().encode('at last') },
            out,
          ),
        );
      }, 2_500);
    });
    assert.equal((await runTool(CLIENT, [uri('slow')])).stdout.trim(), 'at last');
  });

  for (const size of [16, 64, 1024]) {
    it(`a body of 64 KiB goes out in blocks of ${size} at the client's wish (RFC 7959 §2.4)`, async () => {
      const large = body(65_536);
      ours.handle('large', (request, now, out) => {
        ours.driver.endpoint.respond(now, request, { code: Codes.content, options: [], payload: large }, out);
      });
      const file = join(folder, `get-${size}`);
      await runTool(CLIENT, ['-b', String(size), '-o', file, uri('large')]);
      assert.deepEqual(Uint8Array.from(await readFile(file)), large);
    });

    it(`a body of 64 KiB comes in in blocks of ${size} (RFC 7959 §2.5)`, async () => {
      const sent = body(65_536);
      const file = join(folder, `put-${size}`);
      await writeFile(file, sent);
      let received: Uint8Array = NOTHING;
      let times = 0;
      ours.handle('store', (request, now, out) => {
        received = request.payload.slice();
        times++;
        ours.driver.endpoint.respond(now, request, { code: Codes.changed, options: [], payload: NOTHING }, out);
      });
      await runTool(CLIENT, ['-m', 'put', '-b', String(size), '-f', file, uri('store')]);
      assert.deepEqual(received, sent);
      assert.equal(times, 1);
    });
  }

  for (const [method, code] of [
    ['fetch', Codes.fetch],
    ['patch', Codes.patch],
    ['ipatch', Codes.ipatch],
  ] as const) {
    it(`${method.toUpperCase()} arrives as such (RFC 8132)`, async () => {
      let arrived: number | undefined;
      ours.handle('etch', (request, now, out) => {
        arrived = request.code;
        ours.driver.endpoint.respond(
          now,
          request,
          { code: Codes.content, options: [], payload: request.payload.slice() },
          out,
        );
      });
      const { stdout } = await runTool(CLIENT, ['-m', method, '-e', 'asked', uri('etch')]);
      assert.equal(arrived, code);
      assert.equal(stdout.trim(), 'asked');
    });
  }

  it('an observation brings every state we notify, and libcoap cancels it at the end (RFC 7641)', async () => {
    let relation: ObserveRelation | undefined;
    let sent = 0;
    const { promise: cancelled, resolve: onCancelled } = Promise.withResolvers<void>();
    const content = (value: string): { code: typeof Codes.content; options: []; payload: Uint8Array } => ({
      code: Codes.content,
      options: [],
      payload: new TextEncoder().encode(`${value}\n`),
    });
    ours.handle('watched', (request, now, out) => {
      const response = content('state 0');
      relation = ours.driver.endpoint.respond(
        now,
        request,
        { ...response, observe: request.observe === 'register' },
        out,
      );
      if (request.observe === 'deregister') onCancelled();
      if (relation === undefined) return;
      const watched = relation;
      const timer = setInterval(() => {
        if (++sent === 3) clearInterval(timer);
        ours.driver.turn((at, outbox) =>
          ours.driver.endpoint.notify(at, watched, content(`state ${sent}`), outbox, sent === 2),
        );
      }, 200);
    });
    const { stdout } = await runTool(CLIENT, ['-s', '2', uri('watched')]);
    assert.deepEqual(stdout.match(/state \d/g)?.slice(0, 4), ['state 0', 'state 1', 'state 2', 'state 3']);
    await cancelled;
  });
});

describe('we ask, libcoap answers', { skip: missingTool(SERVER, 'libcoap3-bin') }, () => {
  let ours: CoapPeer;
  let theirs: AsyncDisposable;
  let to: { host: string; port: number };
  before(async () => {
    to = { host: '127.0.0.1', port: await freeUdpPort() };
    theirs = startTool(SERVER, ['-A', to.host, '-p', String(to.port), '-d', '10']);
    ours = await CoapPeer.open();
    // Our own retransmissions wait for the server to be there.
    await ours.request(to, { code: Codes.get, options: [], payload: NOTHING }).answer;
  });
  after(async () => {
    await ours[Symbol.asyncDispose]();
    await theirs[Symbol.asyncDispose]();
  });
  const get = (path: string, more: Partial<OutgoingRequest> = {}): OutgoingRequest => ({
    code: Codes.get,
    options: buildOptions({ uriPath: path.split('/') }),
    payload: NOTHING,
    ...more,
  });

  it('GET, Confirmable and Non-confirmable', async () => {
    for (const confirmable of [true, false]) {
      const response = await ours.request(to, get('time', { confirmable })).answer;
      assert.equal(formatCode(response.code), '2.05');
      assert.match(text(response.payload), /\d\d:\d\d:\d\d/);
    }
  });

  it('a separate response is waited for and acknowledged (RFC 7252 §5.2.2)', async () => {
    const request = { ...get('async'), options: buildOptions({ uriPath: ['async'], uriQuery: ['1'] }) };
    const response = await ours.request(to, request).answer;
    assert.equal(formatCode(response.code), '2.05');
    assert.match(text(response.payload), /done/);
  });

  it('its links are read (RFC 6690)', async () => {
    const response = await ours.request(to, get('.well-known/core')).answer;
    const links = parseLinks(response.payload);
    assert.ok(!('malformed' in links));
    assert.ok(links.some(({ target }) => target === '/time'));
  });

  it('a body of 64 KiB goes there in blocks and comes back in blocks, equal (RFC 7959)', async () => {
    const sent = body(65_536);
    const put = await ours.request(to, { ...get('example_data'), code: Codes.put, payload: sent }).answer;
    assert.match(formatCode(put.code), /^2\.0[14]$/);
    const got = await ours.request(to, get('example_data')).answer;
    assert.deepEqual(got.payload, sent);
  });

  it('an observation brings its states in order, and is cancelled actively (RFC 7641 §3.6)', async () => {
    const { promise: three, resolve } = Promise.withResolvers<void>();
    const sequence: number[] = [];
    const { exchange, answer } = ours.request(to, get('time', { observe: true }), (notification) => {
      sequence.push(readOption(notification.options, 'observe')!);
      if (sequence.length === 3) resolve();
    });
    assert.notEqual(readOption((await answer).options, 'observe'), undefined);
    await three;
    assert.deepEqual(
      sequence,
      sequence.toSorted((a, b) => a - b),
    );
    const cancelled = await ours.request(to, get('time', { cancelObservation: exchange })).answer;
    assert.equal(formatCode(cancelled.code), '2.05');
    assert.equal(readOption(cancelled.options, 'observe'), undefined);
  });

  it('their 4.02 repeats the critical option we do not know either, so it is rejected (RFC 7252 §5.4.1)', async () => {
    const request = {
      ...get('time'),
      options: [...buildOptions({ uriPath: ['time'] }), { number: 65_001, value: NOTHING }],
    };
    await assert.rejects(ours.request(to, request).answer, { code: 'BAD-RESPONSE' });
  });
});
