/**
 * Requests and responses as RFC 7252 draws them (appendix A and section 5), from both sides, and what must happen when
 * messages are lost, doubled, malformed or meant for somebody else.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OperationFailed, Peer, UsageError } from '@lapwing/coap';
import { Codes, play, type Step } from './script.ts';

const get = (play_: Parameters<Exclude<Step, string>>[0]): void => play_.ask({ code: Codes.get, path: 'temperature' });

const FIGURES: readonly (readonly [name: string, steps: readonly Step[]])[] = [
  [
    'requester: a Confirmable request and its piggybacked response (RFC 7252 figure 16)',
    [
      get,
      '> CON GET 1001 t=00001002 Path=temperature',
      '< ACK 2.05 1001 t=00001002 "22.3 C"',
      '! response 2.05 "22.3 C"',
    ],
  ],
  [
    'responder: a Confirmable request and its piggybacked response (figure 16)',
    [
      '< CON GET 7d34 Path=temperature',
      '! request GET /temperature',
      (p) => p.answer(Codes.content, '22.3 C'),
      '> ACK 2.05 7d34 "22.3 C"',
    ],
  ],
  [
    'responder: the token comes back, whatever it is (figure 17)',
    [
      '< CON GET 7d35 t=20 Path=temperature',
      '! request GET /temperature',
      (p) => p.answer(Codes.content, '22.3 C'),
      '> ACK 2.05 7d35 t=20 "22.3 C"',
    ],
  ],
  [
    'requester: a lost request is sent again after ACK_TIMEOUT (figure 18)',
    [
      get,
      '> CON GET 1001 t=00001002 Path=temperature',
      '@ 1999',
      '@ 1',
      '> CON GET 1001 t=00001002 Path=temperature',
      '< ACK 2.05 1001 t=00001002 "22.3 C"',
      '! response 2.05 "22.3 C"',
      '@ 100000',
    ],
  ],
  [
    'responder: a lost response is sent again to the duplicate, and the request handled once (figure 19)',
    [
      '< CON GET 7d37 t=42 Path=temperature',
      '! request GET /temperature',
      (p) => p.answer(Codes.content, '22.3 C'),
      '> ACK 2.05 7d37 t=42 "22.3 C"',
      '@ 2000',
      '< CON GET 7d37 t=42 Path=temperature',
      '> ACK 2.05 7d37 t=42 "22.3 C"',
      '@ 244999',
      '< CON GET 7d37 t=42 Path=temperature',
      '> ACK 2.05 7d37 t=42 "22.3 C"',
      '@ 1',
      '< CON GET 7d37 t=42 Path=temperature',
      '! request GET /temperature',
    ],
  ],
  [
    'requester: a separate response is acknowledged (figure 20)',
    [
      get,
      '> CON GET 1001 t=00001002 Path=temperature',
      '< ACK EMPTY 1001',
      '@ 30000',
      '< CON 2.05 ad7b t=00001002 "22.3 C"',
      '! response 2.05 "22.3 C"',
      '> ACK EMPTY ad7b',
      '@ 2000',
      '< CON 2.05 ad7b t=00001002 "22.3 C"',
      '> ACK EMPTY ad7b',
    ],
  ],
  [
    'responder: a late answer is a separate response, sent again until acknowledged (figure 20)',
    [
      '< CON GET 7d38 t=53 Path=temperature',
      '! request GET /temperature',
      '@ 499',
      '@ 1',
      '> ACK EMPTY 7d38',
      '@ 1000',
      '< CON GET 7d38 t=53 Path=temperature',
      '> ACK EMPTY 7d38',
      (p) => p.answer(Codes.content, '22.3 C'),
      '> CON 2.05 1001 t=53 "22.3 C"',
      '@ 2000',
      '> CON 2.05 1001 t=53 "22.3 C"',
      '< ACK EMPTY 1001',
      '@ 100000',
    ],
  ],
  [
    'requester: the separate response counts as the Acknowledgement that was lost (figure 21)',
    [
      get,
      '> CON GET 1001 t=00001002 Path=temperature',
      '< CON 2.05 ad7c t=00001002 "22.3 C"',
      '! response 2.05 "22.3 C"',
      '> ACK EMPTY ad7c',
      '@ 100000',
    ],
  ],
  [
    'requester: Non-confirmable both ways (figure 22)',
    [
      (p) => p.ask({ code: Codes.get, path: 'temperature', confirmable: false }),
      '> NON GET 1001 t=00001002 Path=temperature',
      '< NON 2.05 ad7b t=00001002 "22.3 C"',
      '! response 2.05 "22.3 C"',
      '@ 100000',
    ],
  ],
  [
    'responder: a Non-confirmable request is answered Non-confirmable, once, however late (figure 22)',
    [
      '< NON GET 7d40 t=75 Path=temperature',
      '! request GET /temperature',
      '@ 5000',
      (p) => p.answer(Codes.content, '22.3 C'),
      '> NON 2.05 1001 t=75 "22.3 C"',
      '< NON GET 7d40 t=75 Path=temperature',
    ],
  ],
  [
    'responder: a separate response that is rejected is not sent again (§4.2)',
    [
      '< CON GET 7d38 t=53 Path=temperature',
      '! request GET /temperature',
      '@ 500',
      '> ACK EMPTY 7d38',
      (p) => p.answer(Codes.content, '22.3 C'),
      '> CON 2.05 1001 t=53 "22.3 C"',
      '< RST EMPTY 1001',
      '@ 100000',
    ],
  ],
  [
    'responder: a duplicate of a request that is still being handled gets nothing yet (§4.5)',
    [
      '< CON POST 0001 Path=a',
      '! request POST /a',
      '@ 100',
      '< CON POST 0001 Path=a',
      (p) => p.answer(Codes.changed),
      '> ACK 2.04 0001',
    ],
  ],
];

describe('exchanges (RFC 7252 appendix A, §5.2)', () => {
  for (const [name, steps] of FIGURES) it(name, () => void play(steps));
});

describe('requester (RFC 7252 §4.2, §5.3)', () => {
  it('sends five times at 0, 2, 6, 14 and 30 s and gives up at 62 s without jitter', () => {
    const request = '> CON GET 1001 t=00001002 Path=temperature';
    const { endpoint } = play([
      get, request, '@ 2000', request, '@ 4000', request, '@ 8000', request, '@ 16000', request,
      '@ 31999', '@ 1', '! failed timeout', '< ACK 2.05 1001 t=00001002', '@ 300000',
    ]); // prettier-ignore
    assert.equal(endpoint.counters.timeouts, 1);
    assert.equal(endpoint.counters.retransmissions, 4);
  });

  it('fails when the peer resets the request, and sends no more', () => {
    play([get, '> CON GET 1001 t=00001002 Path=temperature', '< RST EMPTY 1001', '! failed reset', '@ 100000']);
  });

  it('fails when a Non-confirmable request is reset', () => {
    play([
      (p) => p.ask({ code: Codes.get, confirmable: false }),
      '> NON GET 1001 t=00001002',
      '< RST EMPTY 1001',
      '! failed reset',
    ]);
  });

  it('fails when no separate response follows the Acknowledgement in time', () => {
    play([get, '> CON GET 1001 t=00001002 Path=temperature', '< ACK EMPTY 1001', '@ 92999', '@ 1', '! failed timeout']);
  });

  it('fails at the time limit of the request itself', () => {
    play([
      (p) => p.ask({ code: Codes.get, timeout: 1_500 }),
      '> CON GET 1001 t=00001002',
      '@ 1500',
      '! failed timeout',
      '@ 100000',
    ]);
  });

  it('ignores a piggybacked response with another token, and goes on (§5.3.2)', () => {
    const { endpoint } = play([
      get,
      '> CON GET 1001 t=00001002 Path=temperature',
      '< ACK 2.05 1001 t=00001003 "no"',
      '< ACK 2.05 1001 "no"',
      '< ACK 2.05 2001 t=00001002 "no"',
      '@ 2000',
      '> CON GET 1001 t=00001002 Path=temperature',
      '< ACK 2.05 1001 t=00001002 "yes"',
      '! response 2.05 "yes"',
    ]);
    assert.equal(endpoint.counters.unmatchedAcknowledgements, 3);
  });

  it('takes no response from another peer, whatever its token (§5.3.2)', () => {
    const { endpoint } = play([
      get,
      '> CON GET 1001 t=00001002 Path=temperature',
      (p) => {
        const stranger = new Peer('stranger');
        const sent: Uint8Array[] = [];
        const out = { transmit: (_: Peer, datagram: Uint8Array): number => sent.push(datagram), emit: p.emit.bind(p) };
        for (const type of [0x44, 0x54, 0x64]) {
          p.endpoint.handleDatagram(p.now, stranger, Uint8Array.of(type, 0x45, 0x10, 0x01, 0, 0, 0x10, 0x02), out);
        }
        assert.deepEqual(sent, [Uint8Array.of(0x70, 0, 0x10, 0x01)]);
      },
      '< ACK 2.05 1001 t=00001002 "yes"',
      '! response 2.05 "yes"',
    ]);
    assert.equal(endpoint.counters.unmatchedResponses, 2);
    assert.equal(endpoint.counters.unmatchedAcknowledgements, 1);
  });

  it('resets a Confirmable response with a token nobody waits for, and ignores a Non-confirmable one (§4.2, §4.3)', () => {
    const { endpoint } = play(['< CON 2.05 0101 t=aa "x"', '> RST EMPTY 0101', '< NON 2.05 0102 t=aa "x"']);
    assert.equal(endpoint.counters.unmatchedResponses, 2);
  });

  it('ignores an Acknowledgement and a Reset nobody waits for', () => {
    const { endpoint } = play(['< ACK EMPTY 0101', '< RST EMPTY 0102', '< ACK 2.05 0103 t=aa "x"']);
    assert.equal(endpoint.counters.unmatchedAcknowledgements, 3);
  });

  it('rejects a response with a critical option it does not know (§5.4.1)', () => {
    play([
      get,
      '> CON GET 1001 t=00001002 Path=temperature',
      '< CON 2.05 0202 t=00001002 65001=00 "x"',
      '! failed bad-response',
      '> RST EMPTY 0202',
      '< CON 2.05 0202 t=00001002 65001=00 "x"',
      '> RST EMPTY 0202',
    ]);
  });

  it('ignores elective options it does not know (§5.4.1)', () => {
    play([
      get,
      '> CON GET 1001 t=00001002 Path=temperature',
      '< ACK 2.05 1001 t=00001002 65000=00 "x"',
      '! response 2.05 "x"',
    ]);
  });

  it('has one exchange with a peer at a time, and the others wait their turn (NSTART, §4.7)', () => {
    const ask =
      (path: string): Step =>
      (p) =>
        p.ask({ code: Codes.get, path });
    play([
      ask('1'),
      ask('2'),
      ask('3'),
      '> CON GET 1001 t=00001002 Path=1',
      '< ACK 2.05 1001 t=00001002',
      '! response 2.05',
      '> CON GET 1002 t=00001004 Path=2',
      // An acknowledged request no longer counts.
      '< ACK EMPTY 1002',
      '> CON GET 1003 t=00001005 Path=3',
      '< ACK 2.05 1003 t=00001005',
      '! response 2.05',
      '< NON 2.05 0001 t=00001004',
      '! response 2.05',
    ]);
  });

  it('has as many exchanges at a time as NSTART says', () => {
    const ask =
      (path: string): Step =>
      (p) =>
        p.ask({ code: Codes.get, path });
    play(
      [
        ask('1'), ask('2'), ask('3'),
        '> CON GET 1001 t=00001002 Path=1', '> CON GET 1002 t=00001004 Path=2',
        '< ACK 2.05 1002 t=00001004', '! response 2.05', '> CON GET 1003 t=00001006 Path=3',
        '< ACK 2.05 1003 t=00001006', '! response 2.05', '< ACK 2.05 1001 t=00001002', '! response 2.05',
      ], // prettier-ignore
      { nstart: 2 },
    );
  });

  it('never sends a request that was cancelled while it waited, and answers what comes later with Reset', () => {
    play([
      get,
      '> CON GET 1001 t=00001002 Path=temperature',
      (p) => p.ask({ code: Codes.get, path: 'second' }),
      (p) => p.cancel(),
      '! failed cancelled',
      '< ACK EMPTY 1001',
      (p) => p.endpoint.forgetPeer(p.now, p.peer, p),
      '! failed peer-closed',
      '< CON 2.05 0001 t=00001002',
      '> RST EMPTY 0001',
    ]);
  });

  it('throws OperationFailed QUEUE_FULL when more requests wait than may', () => {
    assert.throws(
      () => play([get, get, get, get], { maxQueuedPerPeer: 2 }),
      (error: unknown) => error instanceof OperationFailed && error.code === 'QUEUE_FULL' && error.retryable,
    );
  });

  it('pings: the Reset is the sign of life, silence is a timeout (§4.3)', () => {
    const ping: Step = (p) => (p.exchange = p.endpoint.ping(p.now, p.peer, p));
    play([ping, '> CON EMPTY 1001', '< RST EMPTY 1001', '! failed reset', '@ 100000']);
    play([ping, '> CON EMPTY 1001', '@ 2000', '> CON EMPTY 1001', (p) => p.cancel(), '! failed cancelled', '@ 100000']);
  });

  it('repeats the request once with the Echo value a 4.01 asks for (RFC 9175 §2.3)', () => {
    play([
      get,
      '> CON GET 1001 t=00001002 Path=temperature',
      '< ACK 4.01 1001 t=00001002 Echo=a1b2',
      '> CON GET 1002 t=00001004 Path=temperature Echo=a1b2',
      '< ACK 4.01 1002 t=00001004 Echo=c3d4',
      '! response 4.01',
    ]);
  });
});

describe('responder (RFC 7252 §4.2, §4.3, §5.4)', () => {
  it('answers a ping with Reset (§4.3)', () => {
    const { endpoint } = play(['< CON EMPTY 0101', '> RST EMPTY 0101', '< CON EMPTY 0101', '> RST EMPTY 0101']);
    assert.equal(endpoint.counters.pingsAnswered, 2);
  });

  it('refuses a Confirmable request with an unknown critical option with 4.02, a Non-confirmable one in silence (§5.4.1)', () => {
    const { endpoint } = play([
      '< CON GET 0101 t=01 Path=a 65001=00',
      '> ACK 4.02 0101 t=01',
      '< CON GET 0101 t=01 Path=a 65001=00',
      '> ACK 4.02 0101 t=01',
      '< NON GET 0102 t=01 Path=a 65001=00',
    ]);
    assert.equal(endpoint.counters.badOptions, 2);
  });

  it('treats a critical option of a wrong length, or once too often, as unknown (§5.4.3, §5.4.5)', () => {
    play([
      '< CON GET 0101 7=010203', '> ACK 4.02 0101',
      '< CON GET 0102 17=00 17=01', '> ACK 4.02 0102',
      '< CON GET 0103 11=ff', '> ACK 4.02 0103',
    ]); // prettier-ignore
  });

  it('is no proxy (§5.7.2)', () => {
    play(['< CON GET 0101 35=636f61703a2f2f61', '> ACK 5.05 0101', '< CON GET 0102 39=636f6170', '> ACK 5.05 0102']);
  });

  it('passes on a method it does not know', () => {
    play(['< CON 0.31 0101 Path=a', '! request 0.31 /a', (p) => p.answer(Codes.methodNotAllowed), '> ACK 4.05 0101']);
  });

  it('sends only what No-Response leaves, and the empty Acknowledgement still (RFC 7967)', () => {
    // 2: no success; 24: no errors; 26: nothing at all.
    play([
      '< CON PUT 0101 t=01 NoResponse=2', '! request PUT /', (p) => p.answer(Codes.changed), '> ACK EMPTY 0101',
      '< CON PUT 0101 t=01 NoResponse=2', '> ACK EMPTY 0101',
      '< CON PUT 0102 t=01 NoResponse=2', '! request PUT /', (p) => p.answer(Codes.notFound), '> ACK 4.04 0102 t=01',
      '< NON PUT 0103 t=01 NoResponse=24', '! request PUT /', (p) => p.answer(Codes.notFound),
      '< NON PUT 0104 t=01 NoResponse=24', '! request PUT /', (p) => p.answer(Codes.changed), '> NON 2.04 1001 t=01',
      '< NON PUT 0105 t=01 NoResponse=26', '! request PUT /', (p) => p.answer(Codes.internalServerError),
    ]); // prettier-ignore
  });

  it('throws UsageError when a request is answered twice', () => {
    assert.throws(
      () => play(['< CON GET 0101', '! request GET /', (p) => p.answer(Codes.content), (p) => p.answer(Codes.content)]),
      UsageError,
    );
  });

  it('refuses requests with 5.03 while too many wait for the application', () => {
    const { endpoint } = play(
      [
        '< CON GET 0101', '! request GET /', '< CON GET 0102', '> ACK 5.03 0102',
        (p) => p.answer(Codes.content), '> ACK 2.05 0101', '< CON GET 0103', '! request GET /',
      ], // prettier-ignore
      { maxUnansweredRequests: 1 },
    );
    assert.equal(endpoint.counters.requestsRefused, 1);
  });

  // RFC 7252 §4.2 and §4.3: a Confirmable message that cannot be processed is rejected with Reset, others are ignored.
  const MALFORMED: readonly (readonly [reason: string, datagram: string, reply: string | undefined])[] = [
    ['too-short', '40 01 12', undefined],
    ['too-short', '44 01 12 34 aa', 'RST EMPTY 1234'],
    ['too-short', '54 01 12 34 aa', undefined],
    ['unknown-version', '80 01 12 34', undefined],
    ['token-too-long', '49 01 12 34 01 02 03 04 05 06 07 08 09', 'RST EMPTY 1234'],
    ['token-too-long', '59 01 12 34 01 02 03 04 05 06 07 08 09', undefined],
    ['reserved-option-nibble', '40 01 12 34 f1 00', 'RST EMPTY 1234'],
    ['truncated-option', '40 01 12 34 b5 61', 'RST EMPTY 1234'],
    ['empty-payload-after-marker', '40 01 12 34 ff', 'RST EMPTY 1234'],
    ['empty-message-with-content', '41 00 12 34 aa', 'RST EMPTY 1234'],
    ['empty-message-with-content', '60 00 12 34 ff 61', undefined],
    ['empty-non-confirmable', '50 00 12 34', undefined],
    ['reserved-code-class', '40 21 12 34', 'RST EMPTY 1234'],
    ['reserved-code-class', '40 e1 12 34', 'RST EMPTY 1234'],
    ['reserved-code-class', '50 c1 12 34', undefined],
    ['acknowledgement-with-request', '60 01 12 34', undefined],
    ['reset-with-content', '70 45 12 34', undefined],
  ];
  for (const [reason, datagram, reply] of MALFORMED) {
    it(`counts ${reason} (${datagram}) and ${reply === undefined ? 'stays silent' : 'answers with Reset'} (§4.2, §4.3)`, () => {
      const { endpoint } = play([`< hex:${datagram}`, ...(reply === undefined ? [] : [`> ${reply}`])]);
      assert.deepEqual(endpoint.counters.malformed, { [reason]: 1 });
    });
  }
});
