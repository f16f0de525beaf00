/**
 * Observations as RFC 7641 draws them, from both sides.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildOptions } from '@lapwing/coap';
import { Codes, play, text, type Step } from './script.ts';

const observe: Step = (p) => p.ask({ code: Codes.get, path: 'temperature', observe: true });
const OBSERVING: readonly Step[] = [
  observe,
  '> CON GET 1001 t=00001002 Observe=0 Path=temperature',
  '< ACK 2.05 1001 t=00001002 Observe=12 "18.5"',
  '! response 2.05 observing "18.5"',
];

describe('requester of an observation (RFC 7641 §3)', () => {
  it('gets notifications, Confirmable and Non-confirmable, and acknowledges the former', () => {
    play([
      ...OBSERVING,
      '< NON 2.05 0001 t=00001002 Observe=44 "19.2"',
      '! notification 2.05 "19.2"',
      '< CON 2.05 0002 t=00001002 Observe=60 "19.7"',
      '! notification 2.05 "19.7"',
      '> ACK EMPTY 0002',
      '@ 86400000',
      '< CON 2.05 0003 t=00001002 Observe=61 "20.0"',
      '! notification 2.05 "20.0"',
      '> ACK EMPTY 0003',
    ]);
  });

  it('drops a notification that was overtaken by a newer one, yet acknowledges it (§3.4)', () => {
    const { endpoint } = play([
      ...OBSERVING,
      '< CON 2.05 0002 t=00001002 Observe=60 "new"',
      '! notification 2.05 "new"',
      '> ACK EMPTY 0002',
      '< CON 2.05 0001 t=00001002 Observe=59 "old"',
      '> ACK EMPTY 0001',
      '< NON 2.05 0003 t=00001002 Observe=60 "same"',
      // After 128 s the numbers say nothing any more.
      '@ 128001',
      '< NON 2.05 0004 t=00001002 Observe=3 "later"',
      '! notification 2.05 "later"',
    ]);
    assert.equal(endpoint.counters.staleNotifications, 2);
  });

  it('follows the numbers over their end (§3.4)', () => {
    play([
      observe,
      '> CON GET 1001 t=00001002 Observe=0 Path=temperature',
      '< ACK 2.05 1001 t=00001002 Observe=16777215 "a"',
      '! response 2.05 observing "a"',
      '< NON 2.05 0001 t=00001002 Observe=0 "b"',
      '! notification 2.05 "b"',
      '< NON 2.05 0002 t=00001002 Observe=16777214 "old"',
    ]);
  });

  it('is not observing when the response has no Observe option (§3.1)', () => {
    play([
      observe,
      '> CON GET 1001 t=00001002 Observe=0 Path=temperature',
      '< ACK 2.05 1001 t=00001002 "18.5"',
      '! response 2.05 "18.5"',
      '< NON 2.05 0001 t=00001002 Observe=44 "19.2"',
      '> RST EMPTY 0001',
    ]);
  });

  it('ends with a notification that carries an error, or no Observe option (§3.2)', () => {
    play([...OBSERVING, '< CON 4.04 0001 t=00001002', '! observationEnded 4.04', '> ACK EMPTY 0001']);
    play([...OBSERVING, '< NON 2.05 0001 t=00001002 "last"', '! observationEnded 2.05']);
  });

  it('resets the next notification after it was cancelled passively (§3.6)', () => {
    play([
      ...OBSERVING,
      (p) => p.cancel(),
      '! observationEnded',
      '< NON 2.05 0001 t=00001002 Observe=44 "19.2"',
      '> RST EMPTY 0001',
      '< CON 2.05 0002 t=00001002 Observe=45 "19.3"',
      '> RST EMPTY 0002',
    ]);
  });

  it('cancels actively with the token of the observation, whatever crosses it (§3.6)', () => {
    play([
      ...OBSERVING,
      (p) => p.ask({ code: Codes.get, path: 'temperature', cancelObservation: p.exchange! }),
      '! observationEnded',
      '> CON GET 1002 t=00001002 Observe=1 Path=temperature',
      '< ACK 2.05 1002 t=00001002 "18.5"',
      '! response 2.05 "18.5"',
      '< NON 2.05 0001 t=00001002 Observe=44 "19.2"',
      '> RST EMPTY 0001',
    ]);
    play([
      ...OBSERVING,
      (p) => p.ask({ code: Codes.get, path: 'temperature', cancelObservation: p.exchange! }),
      '! observationEnded',
      '> CON GET 1002 t=00001002 Observe=1 Path=temperature',
      '< CON 2.05 0001 t=00001002 Observe=44 "19.2"',
      '> ACK EMPTY 0001',
      '< ACK 2.05 1002 t=00001002 "18.5"',
      '! response 2.05 "18.5"',
    ]);
  });

  it('starts with a notification when the first response was lost (§3.2)', () => {
    play([
      observe,
      '> CON GET 1001 t=00001002 Observe=0 Path=temperature',
      '< NON 2.05 0001 t=00001002 Observe=13 "19.2"',
      '! response 2.05 observing "19.2"',
      '< ACK 2.05 1001 t=00001002 Observe=12 "18.5"',
    ]);
  });

  it('ends with its peer', () => {
    play([...OBSERVING, (p) => p.endpoint.forgetPeer(p.now, p.peer, p), '! observationEnded']);
  });

  it('of a large resource fetches the rest of each notification with another token (RFC 7959 §3.4)', () => {
    play([
      observe,
      '> CON GET 1001 t=00001002 Observe=0 Path=temperature',
      '< ACK 2.05 1001 t=00001002 Observe=1 Block2=0/1/16 ETag=01 *16:a',
      '> CON GET 1002 t=00001004 Path=temperature Block2=1/0/16',
      '< ACK 2.05 1002 t=00001004 Block2=1/0/16 ETag=01 *4:b',
      '! response 2.05 observing *20:a',
      '< CON 2.05 0001 t=00001002 Observe=2 Block2=0/1/16 ETag=02 *16:a',
      '> CON GET 1003 t=00001006 Path=temperature Block2=1/0/16',
      '> ACK EMPTY 0001',
      // A newer state makes the old body worthless.
      '< NON 2.05 0002 t=00001002 Observe=3 Block2=0/1/16 ETag=03 *16:a',
      '> CON GET 1004 t=00001008 Path=temperature Block2=1/0/16',
      '< ACK 2.05 1004 t=00001008 Block2=1/0/16 ETag=03 *2:b',
      '! notification 2.05 *18:a',
      '< NON 2.05 0003 t=00001002 Observe=4 "small"',
      '! notification 2.05 "small"',
    ]);
  });

  it('survives a notification whose rest cannot be fetched (RFC 7959 §2.4)', () => {
    const { endpoint } = play([
      ...OBSERVING,
      '< NON 2.05 0001 t=00001002 Observe=20 Block2=0/1/16 ETag=02 *16:a',
      '> CON GET 1002 t=00001004 Path=temperature Block2=1/0/16',
      '< ACK 2.05 1002 t=00001004 Block2=1/0/16 ETag=03 *4:b',
      '< NON 2.05 0002 t=00001002 Observe=21 "next"',
      '! notification 2.05 "next"',
    ]);
    assert.equal(endpoint.counters.abandonedBodies, 1);
    assert.equal(endpoint.usage.bodyBytes, 0);
  });
});

const accept: Step = (p) => p.answer(Codes.content, '18.5', { observe: true });
const OBSERVED: readonly Step[] = [
  '< CON GET 0001 t=4a Observe=0 Path=temperature',
  '! request GET /temperature register',
  accept,
  '> ACK 2.05 0001 t=4a Observe=1 "18.5"',
];

describe('responder of an observation (RFC 7641 §4)', () => {
  it('notifies with rising numbers, Non-confirmable unless told otherwise', () => {
    play([
      ...OBSERVED,
      (p) => p.notify(Codes.content, '19.2'),
      '> NON 2.05 1001 t=4a Observe=2 "19.2"',
      (p) => p.notify(Codes.content, '19.3', true),
      '> CON 2.05 1002 t=4a Observe=3 "19.3"',
      '< ACK EMPTY 1002',
      (p) => p.notify(Codes.content, '19.4'),
      '> NON 2.05 1003 t=4a Observe=4 "19.4"',
      '@ 1000000',
    ]);
  });

  it('sends a Confirmable notification at least every 24 hours (§4.5)', () => {
    play([
      ...OBSERVED,
      '@ 86399999',
      (p) => p.notify(Codes.content, 'a'),
      '> NON 2.05 1001 t=4a Observe=2 "a"',
      '@ 1',
      (p) => p.notify(Codes.content, 'b'),
      '> CON 2.05 1002 t=4a Observe=3 "b"',
      '< ACK EMPTY 1002',
      (p) => p.notify(Codes.content, 'c'),
      '> NON 2.05 1003 t=4a Observe=4 "c"',
    ]);
  });

  it('has one notification under way, and sends the newest state next (§4.5.1)', () => {
    const { endpoint } = play([
      ...OBSERVED,
      (p) => p.notify(Codes.content, 'a', true),
      '> CON 2.05 1001 t=4a Observe=2 "a"',
      (p) => p.notify(Codes.content, 'b', true),
      (p) => p.notify(Codes.content, 'c'),
      '< ACK EMPTY 1001',
      '> NON 2.05 1002 t=4a Observe=3 "c"',
    ]);
    assert.equal(endpoint.counters.supersededNotifications, 1);
  });

  it('retransmits the newest state, and the count of transmissions goes on (§4.5.2)', () => {
    play([
      ...OBSERVED,
      (p) => p.notify(Codes.content, 'a', true),
      '> CON 2.05 1001 t=4a Observe=2 "a"',
      (p) => p.notify(Codes.content, 'b'),
      '@ 2000',
      '> CON 2.05 1002 t=4a Observe=3 "b"',
      '< ACK EMPTY 1001',
      '@ 4000',
      '> CON 2.05 1002 t=4a Observe=3 "b"',
      '@ 8000',
      '> CON 2.05 1002 t=4a Observe=3 "b"',
      '@ 16000',
      '> CON 2.05 1002 t=4a Observe=3 "b"',
      '@ 32000',
      '! relationEnded timeout',
    ]);
  });

  it('ends when a notification is rejected, Confirmable or not (§4.2)', () => {
    play([
      ...OBSERVED,
      (p) => p.notify(Codes.content, 'a', true),
      '> CON 2.05 1001 t=4a Observe=2 "a"',
      '< RST EMPTY 1001',
      '! relationEnded reset',
    ]);
    play([
      ...OBSERVED,
      (p) => p.notify(Codes.content, 'a'),
      '> NON 2.05 1001 t=4a Observe=2 "a"',
      '< RST EMPTY 1001',
      '! relationEnded reset',
      (p) => p.notify(Codes.content, 'b'),
    ]);
  });

  it('ends when the requester deregisters, and the request is answered as a plain one (§3.6)', () => {
    play([
      ...OBSERVED,
      '< CON GET 0002 t=4a Observe=1 Path=temperature',
      '! relationEnded cancelled',
      '! request GET /temperature deregister',
      (p) => p.answer(Codes.content, '18.5', { observe: true }),
      '> ACK 2.05 0002 t=4a "18.5"',
    ]);
  });

  it('is not ended by a deregistration with another token', () => {
    play([
      ...OBSERVED,
      '< CON GET 0002 t=4b Observe=1 Path=temperature',
      '! request GET /temperature deregister',
      (p) => p.answer(Codes.content, '18.5'),
      '> ACK 2.05 0002 t=4b "18.5"',
      (p) => p.notify(Codes.content, 'a'),
      '> NON 2.05 1001 t=4a Observe=2 "a"',
    ]);
  });

  it('is replaced by a new registration with its token, or for the same target, and the numbers go on (§4.1)', () => {
    const { endpoint } = play([
      ...OBSERVED,
      '< CON GET 0002 t=4a Observe=0 Path=temperature',
      '! request GET /temperature register',
      accept,
      '! relationEnded replaced',
      '> ACK 2.05 0002 t=4a Observe=2 "18.5"',
      '< CON GET 0003 t=4b Observe=0 Path=temperature',
      '! request GET /temperature register',
      accept,
      '! relationEnded replaced',
      '> ACK 2.05 0003 t=4b Observe=3 "18.5"',
      '< CON GET 0004 t=4c Observe=0 Path=humidity',
      '! request GET /humidity register',
      accept,
      '> ACK 2.05 0004 t=4c Observe=1 "18.5"',
    ]);
    assert.equal(endpoint.usage.relations, 2);
  });

  it('is not begun with an error, nor when the application does not want it', () => {
    const { endpoint } = play([
      '< CON GET 0001 t=4a Observe=0 Path=a', '! request GET /a register',
      (p) => p.answer(Codes.notFound, '', { observe: true }), '> ACK 4.04 0001 t=4a',
      '< CON GET 0002 t=4a Observe=0 Path=a', '! request GET /a register',
      (p) => p.answer(Codes.content, 'x'), '> ACK 2.05 0002 t=4a "x"',
      '< CON GET 0003 t=4a Path=a', '! request GET /a',
      (p) => p.answer(Codes.content, 'x', { observe: true }), '> ACK 2.05 0003 t=4a "x"',
    ]); // prettier-ignore
    assert.equal(endpoint.usage.relations, 0);
  });

  it('is refused without a word, and counted, when the peer holds as many as it may', () => {
    const { endpoint } = play(
      [
        ...OBSERVED,
        '< CON GET 0002 t=4b Observe=0 Path=b',
        '! request GET /b register',
        accept,
        '> ACK 2.05 0002 t=4b "18.5"',
      ],
      { maxRelationsPerPeer: 1 },
    );
    assert.equal(endpoint.counters.relationsRefused, 1);
  });

  it('ends with an error notification, which is delivered still (§4.2)', () => {
    play([
      ...OBSERVED,
      (p) => p.notify(Codes.notFound, '', true),
      '> CON 4.04 1001 t=4a',
      '! relationEnded refused',
      '@ 2000',
      '> CON 4.04 1001 t=4a',
      '< ACK EMPTY 1001',
      '@ 100000',
    ]);
  });

  it('ends without a word when the application forgets it, and with its peer', () => {
    play([
      ...OBSERVED,
      (p) => p.notify(Codes.content, 'a', true),
      '> CON 2.05 1001 t=4a Observe=2 "a"',
      (p) => p.endpoint.endRelation(p.now, p.relation!, p),
      '@ 100000',
    ]);
    play([...OBSERVED, (p) => p.endpoint.forgetPeer(p.now, p.peer, p), '! relationEnded peer-closed']);
  });

  it('goes on when its side falls silent: nothing is retransmitted, and what may not have arrived is named', () => {
    const named: unknown[] = [];
    const { relation } = play([
      ...OBSERVED,
      (p) => p.notify(Codes.content, 'a', true),
      '> CON 2.05 1001 t=4a Observe=2 "a"',
      (p) => p.ask({ code: Codes.get, path: 'x' }),
      (p) => void named.push(...p.endpoint.withhold(p.now, p.peer, p)),
      '! failed cancelled',
      '@ 100000',
      (p) => named.push(...p.endpoint.withhold(p.now, p.peer, p)),
      (p) => p.notify(Codes.content, 'b', true),
      '> CON 2.05 1002 t=4a Observe=3 "b"',
    ]);
    assert.deepEqual(named, [relation]);
  });

  it('takes its turn among other messages to the peer (NSTART, RFC 7252 §4.7)', () => {
    play([
      ...OBSERVED,
      (p) => p.ask({ code: Codes.get, path: 'x' }),
      '> CON GET 1001 t=00001002 Path=x',
      (p) => p.notify(Codes.content, 'a', true),
      (p) => p.notify(Codes.content, 'b', true),
      '< ACK 2.05 1001 t=00001002',
      '! response 2.05',
      '> CON 2.05 1002 t=4a Observe=2 "a"',
      '< ACK EMPTY 1002',
      '> CON 2.05 1003 t=4a Observe=3 "b"',
      '< ACK EMPTY 1003',
    ]);
  });

  it('of a large resource sends the first block, and keeps the rest for the requests that follow (RFC 7959 §3.4)', () => {
    const etag = buildOptions({ etag: [text('!')] });
    const notifyLarge: Step = (p) => {
      const payload = text('aaaaaaaaaaaaaaaabbbb');
      p.endpoint.notify(p.now, p.relation!, { code: Codes.content, options: etag, payload }, p);
    };
    play(
      [
        ...OBSERVED,
        notifyLarge,
        '> NON 2.05 1001 t=4a Observe=2 Block2=0/1/16 Size2=20 ETag=21 *16:a',
        '< CON GET 0002 t=77 Path=temperature Block2=1/0/16',
        '> ACK 2.05 0002 t=77 Block2=1/0/16 ETag=21 "bbbb"',
      ],
      { blockBytes: 16 },
    );
  });
});
