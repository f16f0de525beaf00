/**
 * Bodies in blocks as RFC 7959 §3 draws them, from both sides, and what must happen when blocks are lost, doubled, out
 * of place or more than may be held.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UsageError, type CoapParameters } from '@lapwing/coap';
import { body, Codes, play, text, type Step } from './script.ts';

const B128: Partial<CoapParameters> = { blockBytes: 128 };
const B64: Partial<CoapParameters> = { blockBytes: 64 };

describe('Block2, requester (RFC 7959 §2.4, §3.1)', () => {
  const get: Step = (p) => p.ask({ code: Codes.get, path: 'status' });

  it('fetches block after block (figure 2)', () => {
    play([
      get,
      '> CON GET 1001 t=00001002 Path=status',
      '< ACK 2.05 1001 t=00001002 Block2=0/1/128 *128:a',
      '> CON GET 1002 t=00001004 Path=status Block2=1/0/128',
      '< ACK 2.05 1002 t=00001004 Block2=1/1/128 *128:i',
      '> CON GET 1003 t=00001006 Path=status Block2=2/0/128',
      '< ACK 2.05 1003 t=00001006 Block2=2/0/128 *100:q',
      '! response 2.05 *356:a',
    ]);
  });

  it('asks for its own block size from the beginning (figure 3)', () => {
    play(
      [
        get,
        '> CON GET 1001 t=00001002 Path=status Block2=0/0/64',
        '< ACK 2.05 1001 t=00001002 Block2=0/1/64 *64:a',
        '> CON GET 1002 t=00001004 Path=status Block2=1/0/64',
        '< ACK 2.05 1002 t=00001004 Block2=1/0/64 *64:e',
        '! response 2.05 *128:a',
      ],
      B64,
    );
  });

  it('asks for smaller blocks after a first one that is larger than its own (figure 4)', () => {
    play(
      [
        get,
        '> CON GET 1001 t=00001002 Path=status Block2=0/0/64',
        '< ACK 2.05 1001 t=00001002 Block2=0/1/128 *128:a',
        '> CON GET 1002 t=00001004 Path=status Block2=2/0/64',
        '< ACK 2.05 1002 t=00001004 Block2=2/0/64 *64:i',
        '! response 2.05 *192:a',
      ],
      B64,
    );
  });

  it('follows the responder to smaller blocks on the way', () => {
    play([
      get,
      '> CON GET 1001 t=00001002 Path=status',
      '< ACK 2.05 1001 t=00001002 Block2=0/1/128 *128:a',
      '> CON GET 1002 t=00001004 Path=status Block2=1/0/128',
      '< ACK 2.05 1002 t=00001004 Block2=4/1/32 *32:i',
      '> CON GET 1003 t=00001006 Path=status Block2=5/0/32',
      '< ACK 2.05 1003 t=00001006 Block2=5/0/32 *32:k',
      '! response 2.05 *192:a',
    ]);
  });

  it('sends a lost request for a block again (figure 5), and takes separate responses', () => {
    play([
      get,
      '> CON GET 1001 t=00001002 Path=status',
      '< ACK 2.05 1001 t=00001002 Block2=0/1/128 *128:a',
      '> CON GET 1002 t=00001004 Path=status Block2=1/0/128',
      '@ 2000',
      '> CON GET 1002 t=00001004 Path=status Block2=1/0/128',
      '< ACK EMPTY 1002',
      '< CON 2.05 0077 t=00001004 Block2=1/0/128 *128:i',
      '! response 2.05 *256:a',
      '> ACK EMPTY 0077',
    ]);
  });

  it('ignores the late copy of a block it has', () => {
    play([
      get,
      '> CON GET 1001 t=00001002 Path=status',
      '< NON 2.05 0001 t=00001002 Block2=0/1/16 *16:a',
      '> CON GET 1002 t=00001004 Path=status Block2=1/0/16',
      '< NON 2.05 0002 t=00001002 Block2=0/1/16 *16:a',
      '< NON 2.05 0003 t=00001004 Block2=1/0/16 *16:b',
      '! response 2.05 *32:a',
    ]);
  });

  it('begins anew, once, when the ETag says that the body has changed (§2.4)', () => {
    const steps: Step[] = [
      get,
      '> CON GET 1001 t=00001002 Path=status',
      '< ACK 2.05 1001 t=00001002 Block2=0/1/16 ETag=01 *16:a',
      '> CON GET 1002 t=00001004 Path=status Block2=1/0/16',
      '< ACK 2.05 1002 t=00001004 Block2=1/0/16 ETag=02 *16:b',
      '> CON GET 1003 t=00001006 Path=status',
      '< ACK 2.05 1003 t=00001006 Block2=0/1/16 ETag=02 *16:c',
      '> CON GET 1004 t=00001008 Path=status Block2=1/0/16',
    ];
    play([...steps, '< ACK 2.05 1004 t=00001008 Block2=1/0/16 ETag=02 *16:d', '! response 2.05 *32:c']);
    play([...steps, '< ACK 2.05 1004 t=00001008 Block2=1/0/16 ETag=03 *16:d', '! failed bad-response']);
  });

  const LIES: readonly (readonly [what: string, answer: string])[] = [
    ['another block than the one asked for', 'Block2=2/0/16 *16:b'],
    ['a block that overlaps', 'Block2=0/1/16 *16:b'],
    ['a short block that is not the last', 'Block2=1/1/16 *15:b'],
    ['a block longer than it says', 'Block2=1/0/16 *17:b'],
    ['no block at all', '*16:b'],
  ];
  for (const [what, answer] of LIES) {
    it(`fails when the peer sends ${what}`, () => {
      const { endpoint } = play([
        get,
        '> CON GET 1001 t=00001002 Path=status',
        '< ACK 2.05 1001 t=00001002 Block2=0/1/16 *16:a',
        '> CON GET 1002 t=00001004 Path=status Block2=1/0/16',
        `< ACK 2.05 1002 t=00001004 ${answer}`,
        '! failed bad-response',
      ]);
      assert.equal(endpoint.usage.bodyBytes, 0);
    });
  }

  it('fails when the first block is not the first', () => {
    play([
      get,
      '> CON GET 1001 t=00001002 Path=status',
      '< ACK 2.05 1001 t=00001002 Block2=3/1/16 *16:a',
      '! failed bad-response',
    ]);
  });

  it('takes an error on the way as the response', () => {
    play([
      get,
      '> CON GET 1001 t=00001002 Path=status',
      '< ACK 2.05 1001 t=00001002 Block2=0/1/16 *16:a',
      '> CON GET 1002 t=00001004 Path=status Block2=1/0/16',
      '< ACK 4.04 1002 t=00001004',
      '! response 4.04',
    ]);
  });

  it('refuses a body that is announced, or grows, larger than it may', () => {
    const small = { maxBodyBytes: 40 };
    play(
      [
        get,
        '> CON GET 1001 t=00001002 Path=status',
        '< ACK 2.05 1001 t=00001002 Block2=0/1/16 Size2=41 *16:a',
        '! failed body-too-large',
      ],
      small,
    );
    for (const parameters of [small, { maxTotalBodyBytes: 40 }]) {
      const { endpoint } = play(
        [
          get,
          '> CON GET 1001 t=00001002 Path=status',
          '< ACK 2.05 1001 t=00001002 Block2=0/1/32 *32:a',
          '> CON GET 1002 t=00001004 Path=status Block2=1/0/32',
          '< ACK 2.05 1002 t=00001004 Block2=1/1/32 *32:c',
          '! failed body-too-large',
        ],
        parameters,
      );
      assert.equal(endpoint.usage.bodyBytes, 0);
      assert.equal(endpoint.counters.bodiesRefused, 1);
    }
  });

  it('hands a streamed body over block by block, each asked for when the application is ready', () => {
    play([
      (p) => p.ask({ code: Codes.get, path: 'fw', responseBody: 'stream' }),
      '> CON GET 1001 t=00001002 Path=fw Size2=0',
      '< ACK 2.05 1001 t=00001002 Block2=0/1/16 Size2=20 *16:a',
      '! responseBlock 0 more *16:a',
      '@ 10000',
      (p) => p.continue(),
      '> CON GET 1002 t=00001004 Path=fw Block2=1/0/16',
      '< ACK 2.05 1002 t=00001004 Block2=1/0/16 *4:b',
      '! responseBlock 16 last "bbbb"',
      '! response 2.05',
    ]);
    play([
      (p) => p.ask({ code: Codes.get, path: 'fw', responseBody: 'stream' }),
      '> CON GET 1001 t=00001002 Path=fw Size2=0',
      '< ACK 2.05 1001 t=00001002 "small"',
      '! responseBlock 0 last "small"',
      '! response 2.05',
    ]);
    play([
      (p) => p.ask({ code: Codes.get, path: 'fw', responseBody: 'stream' }),
      '> CON GET 1001 t=00001002 Path=fw Size2=0',
      '< ACK 4.04 1001 t=00001002 "none"',
      '! response 4.04 "none"',
    ]);
  });
});

describe('Block2, responder (RFC 7959 §2.4, §3.1)', () => {
  const ETAG = 'ETag=38ef0411';
  const serve =
    (size: number): Step =>
    (p) =>
      p.answer(Codes.content, body(size));

  it('serves block after block from one answer of the application (figure 2), again and out of order too', () => {
    const { endpoint } = play(
      [
        '< CON GET 0001 t=01 Path=status',
        '! request GET /status',
        serve(300),
        `> ACK 2.05 0001 t=01 Block2=0/1/128 Size2=300 ${ETAG} *128:a`,
        '< CON GET 0002 t=02 Path=status Block2=1/0/128',
        `> ACK 2.05 0002 t=02 Block2=1/1/128 ${ETAG} *128:i`,
        '< CON GET 0003 t=03 Path=status Block2=2/0/128',
        `> ACK 2.05 0003 t=03 Block2=2/0/128 ${ETAG} *44:q`,
        '< CON GET 0004 t=04 Path=status Block2=1/0/128',
        `> ACK 2.05 0004 t=04 Block2=1/1/128 ${ETAG} *128:i`,
        '< CON GET 0005 t=05 Path=status Block2=3/0/128',
        '> ACK 4.00 0005 t=05',
        '@ 246999',
        '< CON GET 0006 t=06 Path=status Block2=2/0/128',
        `> ACK 2.05 0006 t=06 Block2=2/0/128 ${ETAG} *44:q`,
        '@ 247000',
      ],
      B128,
    );
    assert.equal(endpoint.usage.bodies, 0);
    assert.equal(endpoint.usage.bodyBytes, 0);
    assert.equal(endpoint.counters.abandonedBodies, 0);
  });

  it('serves the block size the requester asks for, at the beginning (figure 3) and on the way (figure 4)', () => {
    play(
      [
        '< CON GET 0001 t=01 Path=status Block2=0/0/64',
        '! request GET /status',
        serve(300),
        `> ACK 2.05 0001 t=01 Block2=0/1/64 Size2=300 ${ETAG} *64:a`,
        '< CON GET 0002 t=02 Path=status Block2=1/0/64',
        `> ACK 2.05 0002 t=02 Block2=1/1/64 ${ETAG} *64:e`,
        '< CON GET 0003 t=03 Path=status Block2=4/0/32',
        `> ACK 2.05 0003 t=03 Block2=4/1/32 ${ETAG} *32:i`,
        // Larger than ours: ours.
        '< CON GET 0004 t=04 Path=status Block2=1/0/256',
        `> ACK 2.05 0004 t=04 Block2=2/0/128 ${ETAG} *44:q`,
      ],
      B128,
    );
  });

  it('sends what fits into one message without blocks', () => {
    play(
      ['< CON GET 0001 t=01 Path=s Block2=0/0/1024', '! request GET /s', serve(128), '> ACK 2.05 0001 t=01 *128:a'],
      B128,
    );
  });

  it('asks the application once more for the block of a GET it holds no body of', () => {
    play(
      [
        '< CON GET 0001 t=01 Path=status Block2=2/0/128',
        '! request GET /status',
        serve(300),
        `> ACK 2.05 0001 t=01 Block2=2/0/128 ${ETAG} *44:q`,
        '< CON POST 0002 t=02 Path=status Block2=2/0/128',
        '> ACK 4.08 0002 t=02',
        '< CON GET 0003 t=03 Path=short Block2=2/0/128',
        '! request GET /short',
        serve(10),
        '> ACK 4.00 0003 t=03',
      ],
      B128,
    );
  });

  it('answers a duplicate of the first request with the same block, without asking the application', () => {
    play(
      [
        '< CON POST 0001 t=01 Path=status',
        '! request POST /status',
        serve(300),
        `> ACK 2.05 0001 t=01 Block2=0/1/128 Size2=300 ${ETAG} *128:a`,
        '< CON POST 0001 t=01 Path=status',
        `> ACK 2.05 0001 t=01 Block2=0/1/128 Size2=300 ${ETAG} *128:a`,
      ],
      B128,
    );
  });

  it('refuses the reserved block size with 4.00 (§2.2)', () => {
    play(['< CON GET 0001 t=01 23=07', '> ACK 4.00 0001 t=01']);
  });

  it('serves a streamed body as the application hands it over', () => {
    play(
      [
        '< CON GET 0001 t=01 Path=fw',
        '! request GET /fw',
        (p) => p.answer(Codes.content, { kind: 'stream', size: 150 }),
        '! bodyWanted 0 64',
        (p) => p.provide(body(150).subarray(0, 64), false),
        '> ACK 2.05 0001 t=01 Block2=0/1/64 Size2=150 ETag=00001001 *64:a',
        '< CON GET 0002 t=02 Path=fw Block2=1/0/64',
        '! bodyWanted 64 64',
        '@ 500',
        '> ACK EMPTY 0002',
        (p) => p.provide(body(150).subarray(64, 128), false),
        '> CON 2.05 1002 t=02 Block2=1/1/64 ETag=00001001 *64:e',
        '< ACK EMPTY 1002',
        // The same block under a new Message ID, then one that is gone.
        '< CON GET 0003 t=03 Path=fw Block2=1/0/64',
        '> ACK 2.05 0003 t=03 Block2=1/1/64 ETag=00001001 *64:e',
        '< CON GET 0004 t=04 Path=fw Block2=0/0/64',
        '! request GET /fw',
        (p) => p.answer(Codes.content, 'again'),
        '> ACK 2.05 0004 t=04 "again"',
        '< CON GET 0005 t=05 Path=fw Block2=2/0/64',
        '! bodyWanted 128 64',
        (p) => p.provide(body(150).subarray(128), true),
        '> ACK 2.05 0005 t=05 Block2=2/0/64 ETag=00001001 *22:i',
        '@ 247000',
      ],
      B64,
    );
  });

  it('tells the application when nobody fetches the rest of its stream', () => {
    const { endpoint } = play(
      [
        '< CON GET 0001 t=01 Path=fw',
        '! request GET /fw',
        (p) => p.answer(Codes.content, { kind: 'stream' }),
        '! bodyWanted 0 64',
        (p) => p.provide(body(64), false),
        '> ACK 2.05 0001 t=01 Block2=0/1/64 ETag=00001001 *64:a',
        '@ 247000',
        '! requestAbandoned',
      ],
      B64,
    );
    assert.equal(endpoint.counters.abandonedBodies, 1);
  });

  it('throws UsageError for pieces nobody asked for, or of the wrong length', () => {
    const wrong: Step[] = [(p) => p.provide(body(10), false), (p) => p.provide(body(65), true)];
    for (const step of wrong) {
      const steps: Step[] = [
        '< CON GET 0001 t=01 Path=fw',
        '! request GET /fw',
        (p) => p.answer(Codes.content, { kind: 'stream' }),
        '! bodyWanted 0 64',
        step,
      ];
      assert.throws(() => play(steps, B64), UsageError);
    }
    assert.throws(() => play(['< CON GET 0001 t=01', '! request GET /', (p) => p.provide(body(10), true)]), UsageError);
  });
});

describe('Block1, requester (RFC 7959 §2.3, §2.5, §3.2)', () => {
  const put =
    (size: number): Step =>
    (p) =>
      p.ask({ code: Codes.put, path: 'options', payload: body(size) });

  it('whoever wants to know how far a body has got is told with each block that is acknowledged', () => {
    play([
      (p) => p.ask({ code: Codes.put, path: 'options', payload: body(1100), reportsProgress: true }),
      '> CON PUT 1001 t=00001003 Path=options Block1=0/1/1024 Size1=1100 Tag=00001002 *1024:a',
      '< ACK 2.31 1001 t=00001003 Block1=0/1/64',
      '! requestProgress 1024',
      '> CON PUT 1002 t=00001005 Path=options Block1=16/1/64 Tag=00001002 *64:m',
      '< ACK 4.08 1002 t=00001005',
      '! requestProgress 0',
      '> CON PUT 1003 t=00001008 Path=options Block1=0/1/64 Size1=1100 Tag=00001007 *64:a',
    ]);
  });

  it('sends block after block (figure 7)', () => {
    play(
      [
        put(300),
        '> CON PUT 1001 t=00001003 Path=options Block1=0/1/128 Block2=0/0/128 Size1=300 Tag=00001002 *128:a',
        '< ACK 2.31 1001 t=00001003 Block1=0/1/128',
        '> CON PUT 1002 t=00001005 Path=options Block1=1/1/128 Block2=0/0/128 Tag=00001002 *128:i',
        '< ACK 2.31 1002 t=00001005 Block1=1/1/128',
        '> CON PUT 1003 t=00001007 Path=options Block1=2/0/128 Block2=0/0/128 Tag=00001002 *44:q',
        '< ACK 2.04 1003 t=00001007 Block1=2/0/128',
        '! response 2.04',
      ],
      B128,
    );
  });

  it('goes on with the smaller blocks the responder asks for (figure 9)', () => {
    play([
      put(1100),
      '> CON PUT 1001 t=00001003 Path=options Block1=0/1/1024 Size1=1100 Tag=00001002 *1024:a',
      '< ACK 2.31 1001 t=00001003 Block1=0/1/64',
      '> CON PUT 1002 t=00001005 Path=options Block1=16/1/64 Tag=00001002 *64:m',
      '< ACK 2.31 1002 t=00001005 Block1=16/1/64',
      '> CON PUT 1003 t=00001007 Path=options Block1=17/0/64 Tag=00001002 "qqqqqqqqqqqq"',
      '< ACK 2.04 1003 t=00001007 Block1=17/0/64',
      '! response 2.04',
    ]);
  });

  it('begins anew with smaller blocks after 4.13 with a smaller size (§2.9.3)', () => {
    play([
      put(1100),
      '> CON PUT 1001 t=00001003 Path=options Block1=0/1/1024 Size1=1100 Tag=00001002 *1024:a',
      '< ACK 4.13 1001 t=00001003 Block1=0/1/512',
      '> CON PUT 1002 t=00001006 Path=options Block1=0/1/512 Size1=1100 Tag=00001005 *512:a',
      '< ACK 4.13 1002 t=00001006 Block1=0/1/512 Size1=1000',
      '! response 4.13',
    ]);
  });

  it('begins anew, once, when the responder has lost what came before (4.08, §2.9.2)', () => {
    play([
      put(1100),
      '> CON PUT 1001 t=00001003 Path=options Block1=0/1/1024 Size1=1100 Tag=00001002 *1024:a',
      '< ACK 2.31 1001 t=00001003 Block1=0/1/1024',
      '> CON PUT 1002 t=00001005 Path=options Block1=1/0/1024 Tag=00001002 *76:m',
      '< ACK 4.08 1002 t=00001005',
      '> CON PUT 1003 t=00001008 Path=options Block1=0/1/1024 Size1=1100 Tag=00001007 *1024:a',
      '< ACK 2.31 1003 t=00001008 Block1=0/1/1024',
      '> CON PUT 1004 t=0000100a Path=options Block1=1/0/1024 Tag=00001007 *76:m',
      '< ACK 4.08 1004 t=0000100a',
      '! response 4.08',
    ]);
  });

  it('takes an early answer as the response, and the results of single blocks as leave to go on (§2.3)', () => {
    play([
      put(1100),
      '> CON PUT 1001 t=00001003 Path=options Block1=0/1/1024 Size1=1100 Tag=00001002 *1024:a',
      '< ACK 4.03 1001 t=00001003 Block1=0/1/1024',
      '! response 4.03',
    ]);
    play([
      put(1100),
      '> CON PUT 1001 t=00001003 Path=options Block1=0/1/1024 Size1=1100 Tag=00001002 *1024:a',
      '< ACK 2.04 1001 t=00001003 Block1=0/0/1024',
      '> CON PUT 1002 t=00001005 Path=options Block1=1/0/1024 Tag=00001002 *76:m',
      '< ACK 2.04 1002 t=00001005 Block1=1/0/1024',
      '! response 2.04',
    ]);
  });

  it('fails when a block is acknowledged that was not sent, or nothing remains to be continued', () => {
    play([
      put(1100),
      '> CON PUT 1001 t=00001003 Path=options Block1=0/1/1024 Size1=1100 Tag=00001002 *1024:a',
      '< ACK 2.31 1001 t=00001003 Block1=7/1/1024',
      '! failed bad-response',
    ]);
    play([
      put(10),
      '> CON PUT 1001 t=00001002 Path=options "aaaaaaaaaa"',
      '< ACK 2.31 1001 t=00001002',
      '! failed bad-response',
    ]);
  });

  it('sends a body and fetches the one that comes back (figure 11)', () => {
    play([
      (p) => p.ask({ code: Codes.post, path: 'soap', payload: body(1100) }),
      '> CON POST 1001 t=00001003 Path=soap Block1=0/1/1024 Size1=1100 Tag=00001002 *1024:a',
      '< ACK 2.31 1001 t=00001003 Block1=0/1/1024',
      '> CON POST 1002 t=00001005 Path=soap Block1=1/0/1024 Tag=00001002 *76:m',
      '< ACK 2.04 1002 t=00001005 Block1=1/0/1024 Block2=0/1/128 *128:a',
      '> CON POST 1003 t=00001007 Path=soap Block2=1/0/128 Tag=00001002',
      '< ACK 2.04 1003 t=00001007 Block2=1/0/128 *64:i',
      '! response 2.04 *192:a',
    ]);
  });

  it('sends a streamed body as the application hands it over', () => {
    play([
      (p) => p.ask({ code: Codes.put, path: 'fw', payload: { kind: 'stream', size: 1030 } }),
      '! bodyWanted 0 1024',
      '@ 5000',
      (p) => p.provide(body(1024), false),
      '> CON PUT 1001 t=00001003 Path=fw Block1=0/1/1024 Size1=1030 Tag=00001002 *1024:a',
      '< ACK 2.31 1001 t=00001003 Block1=0/1/1024',
      '! bodyWanted 1024 1024',
      (p) => p.provide(text('aaaaaa'), true),
      '> CON PUT 1002 t=00001005 Path=fw Block1=1/0/1024 Tag=00001002 "aaaaaa"',
      '< ACK 2.04 1002 t=00001005 Block1=1/0/1024',
      '! response 2.04',
    ]);
    play([
      (p) => p.ask({ code: Codes.put, path: 'fw', payload: { kind: 'stream' } }),
      '! bodyWanted 0 1024',
      (p) => p.provide(text('all'), true),
      '> CON PUT 1001 t=00001002 Path=fw "all"',
      '< ACK 2.04 1001 t=00001002',
      '! response 2.04',
    ]);
  });

  it('repeats the block that was answered with 4.01 and Echo (RFC 9175 §2.3)', () => {
    play([
      put(1100),
      '> CON PUT 1001 t=00001003 Path=options Block1=0/1/1024 Size1=1100 Tag=00001002 *1024:a',
      '< ACK 4.01 1001 t=00001003 Echo=0a',
      '> CON PUT 1002 t=00001005 Path=options Block1=0/1/1024 Size1=1100 Echo=0a Tag=00001002 *1024:a',
      '< ACK 2.31 1002 t=00001005 Block1=0/1/1024',
      '> CON PUT 1003 t=00001007 Path=options Block1=1/0/1024 Tag=00001002 *76:m',
      '< ACK 2.04 1003 t=00001007 Block1=1/0/1024',
      '! response 2.04',
    ]);
  });
});

describe('Block1, responder (RFC 7959 §2.3, §2.5, §3.2)', () => {
  it('delivers the body once it is whole (figure 7)', () => {
    const { endpoint } = play([
      '< CON PUT 0001 t=01 Path=options Block1=0/1/128 Size1=300 *128:a',
      '> ACK 2.31 0001 t=01 Block1=0/1/128',
      '< CON PUT 0002 t=02 Path=options Block1=1/1/128 *128:i',
      '> ACK 2.31 0002 t=02 Block1=1/1/128',
      '< CON PUT 0003 t=03 Path=options Block1=2/0/128 *44:q',
      '! request PUT /options *300:a',
      (p) => p.answer(Codes.changed),
      '> ACK 2.04 0003 t=03 Block1=2/0/128',
      '@ 247000',
    ]);
    assert.equal(endpoint.usage.bodies, 0);
    assert.equal(endpoint.counters.abandonedBodies, 0);
  });

  it('asks for its own smaller blocks (figure 9)', () => {
    play(
      [
        '< CON PUT 0001 t=01 Path=options Block1=0/1/128 *128:a',
        '> ACK 2.31 0001 t=01 Block1=0/1/64',
        '< CON PUT 0002 t=02 Path=options Block1=2/1/64 *64:i',
        '> ACK 2.31 0002 t=02 Block1=2/1/64',
        '< CON PUT 0003 t=03 Path=options Block1=3/0/64 *10:m',
        '! request PUT /options *202:a',
        (p) => p.answer(Codes.changed),
        '> ACK 2.04 0003 t=03 Block1=3/0/64',
      ],
      B64,
    );
  });

  it('answers repeated blocks again, by Message ID or by number, and delivers once', () => {
    play([
      '< CON PUT 0001 t=01 Path=o Block1=0/1/16 *16:a',
      '> ACK 2.31 0001 t=01 Block1=0/1/16',
      '< CON PUT 0001 t=01 Path=o Block1=0/1/16 *16:a',
      '> ACK 2.31 0001 t=01 Block1=0/1/16',
      '< CON PUT 0002 t=02 Path=o Block1=0/1/16 *16:a',
      '> ACK 2.31 0002 t=02 Block1=0/1/16',
      '< CON PUT 0003 t=03 Path=o Block1=1/0/16 *4:b',
      '! request PUT /o *20:a',
      // While the application is at it, the answer goes to the newest message; afterwards it is repeated.
      '< CON PUT 0004 t=04 Path=o Block1=1/0/16 *4:b',
      (p) => p.answer(Codes.created),
      '> ACK 2.01 0004 t=04 Block1=1/0/16',
      '< CON PUT 0005 t=05 Path=o Block1=1/0/16 *4:b',
      '> ACK 2.01 0005 t=05 Block1=1/0/16',
    ]);
  });

  it('begins anew with the first block', () => {
    play([
      '< CON PUT 0001 t=01 Path=o Block1=0/1/16 *16:a',
      '> ACK 2.31 0001 t=01 Block1=0/1/16',
      '< CON PUT 0002 t=02 Path=o Block1=0/1/16 *16:c',
      '> ACK 2.31 0002 t=02 Block1=0/1/16',
      '< CON PUT 0003 t=03 Path=o Block1=1/0/16 *16:d',
      '! request PUT /o *32:c',
    ]);
  });

  const LIES: readonly (readonly [what: string, block: string, code: string])[] = [
    ['leaves a gap', 'Path=o Block1=2/0/16 *16:c', '4.08'],
    ['is shorter than it says and not the last', 'Path=o Block1=1/1/16 *15:b', '4.00'],
    ['is longer than it says', 'Path=o Block1=1/0/16 *17:b', '4.00'],
    ['belongs to another resource', 'Path=p Block1=1/0/16 *16:b', '4.08'],
    ['has another Content-Format', 'Path=o Format=42 Block1=1/0/16 *16:b', '4.08'],
    ['has another Request-Tag', 'Path=o Block1=1/0/16 Tag=01 *16:b', '4.08'],
  ];
  for (const [what, block, code] of LIES) {
    it(`answers ${code} to a block that ${what}`, () => {
      play([
        '< CON PUT 0001 t=01 Path=o Block1=0/1/16 *16:a',
        '> ACK 2.31 0001 t=01 Block1=0/1/16',
        `< CON PUT 0002 t=02 ${block}`,
        `> ACK ${code} 0002 t=02 ${/Block1=\S+/.exec(block)![0]}`,
      ]);
    });
  }

  it('keeps bodies with different Request-Tags apart (RFC 9175 §3)', () => {
    play([
      '< CON PUT 0001 Path=o Block1=0/1/16 Tag=01 *16:a',
      '> ACK 2.31 0001 Block1=0/1/16',
      '< CON PUT 0002 Path=o Block1=0/1/16 Tag=02 *16:e',
      '> ACK 2.31 0002 Block1=0/1/16',
      '< CON PUT 0003 Path=o Block1=1/0/16 Tag=01 *1:b',
      '! request PUT /o *17:a',
      '< CON PUT 0004 Path=o Block1=1/0/16 Tag=02 *1:f',
      '! request PUT /o *17:e',
    ]);
  });

  it('refuses a body that is announced, or grows, larger than it may with 4.13 and what it may (§2.9.3)', () => {
    const { endpoint } = play(
      [
        '< CON PUT 0001 Path=o Block1=0/1/32 Size1=51 *32:a',
        '> ACK 4.13 0001 Block1=0/1/32 Size1=50',
        '< CON PUT 0002 Path=o Block1=0/1/32 *32:a',
        '> ACK 2.31 0002 Block1=0/1/32',
        '< CON PUT 0003 Path=o Block1=1/1/32 *32:c',
        '> ACK 4.13 0003 Block1=1/1/32 Size1=50',
        '< CON PUT 0004 Path=o *51:a',
        '> ACK 4.13 0004',
      ],
      { maxBodyBytes: 50 },
    );
    assert.equal(endpoint.counters.bodiesRefused, 3);
    assert.equal(endpoint.usage.bodyBytes, 0);
  });

  it('refuses a body with 5.03 when the memory for bodies is used up', () => {
    play(
      [
        '< CON PUT 0001 Path=a Block1=0/1/512 *512:a',
        '> ACK 2.31 0001 Block1=0/1/512',
        '< CON PUT 0002 Path=b Block1=0/1/512 *512:a',
        '> ACK 5.03 0002 Block1=0/1/512',
        '@ 247000',
        '< CON PUT 0003 Path=b Block1=0/1/512 *512:a',
        '> ACK 2.31 0003 Block1=0/1/512',
      ],
      { maxTotalBodyBytes: 1500 },
    );
  });

  it('forgets the body that was idle longest when a peer has too many under way', () => {
    const { endpoint } = play(
      [
        '< CON PUT 0001 Path=a Block1=0/1/16 *16:a',
        '> ACK 2.31 0001 Block1=0/1/16',
        '@ 1',
        '< CON PUT 0002 Path=b Block1=0/1/16 *16:a',
        '> ACK 2.31 0002 Block1=0/1/16',
        '@ 1',
        '< CON PUT 0003 Path=c Block1=0/1/16 *16:a',
        '> ACK 2.31 0003 Block1=0/1/16',
        '< CON PUT 0004 Path=a Block1=1/0/16 *16:b',
        '> ACK 4.08 0004 Block1=1/0/16',
        '< CON PUT 0005 Path=b Block1=1/0/16 *16:b',
        '! request PUT /b *32:a',
      ],
      { maxTransfersPerPeer: 2 },
    );
    assert.equal(endpoint.counters.abandonedBodies, 1);
  });

  it('forgets a body nobody goes on with after EXCHANGE_LIFETIME (§2.5)', () => {
    const { endpoint } = play([
      '< CON PUT 0001 Path=a Block1=0/1/16 *16:a',
      '> ACK 2.31 0001 Block1=0/1/16',
      '@ 247000',
      '< CON PUT 0002 Path=a Block1=1/0/16 *16:b',
      '> ACK 4.08 0002 Block1=1/0/16',
    ]);
    assert.equal(endpoint.counters.abandonedBodies, 1);
    assert.equal(endpoint.isIdle(play([]).peer), true);
  });

  it('takes a single block as the whole', () => {
    play([
      '< CON PUT 0001 Path=a Block1=0/0/64 "x"',
      '! request PUT /a "x"',
      (p) => p.answer(Codes.changed),
      '> ACK 2.04 0001 Block1=0/0/64',
    ]);
  });

  const STREAMED: Partial<CoapParameters> = { streamedRequest: (code) => code === Codes.put };

  it('hands a streamed body over block by block, each acknowledged when the application is ready', () => {
    const { endpoint } = play(
      [
        '< CON PUT 0001 t=01 Path=fw Block1=0/1/16 Size1=9999999 *16:a',
        '! request PUT /fw streamed',
        '! requestBlock 0 more *16:a',
        (p) => p.continue(),
        '> ACK 2.31 0001 t=01 Block1=0/1/16',
        '< CON PUT 0002 t=02 Path=fw Block1=1/1/16 *16:b',
        '! requestBlock 16 more *16:b',
        '@ 500',
        '> ACK EMPTY 0002',
        (p) => p.continue(),
        '> CON 2.31 1001 t=02 Block1=1/1/16',
        '< ACK EMPTY 1001',
        '< CON PUT 0003 t=03 Path=fw Block1=2/0/16 "end"',
        '! requestBlock 32 last "end"',
        (p) => p.answer(Codes.changed),
        '> ACK 2.04 0003 t=03 Block1=2/0/16',
        '@ 247000',
      ],
      STREAMED,
    );
    assert.equal(endpoint.usage.unansweredRequests, 0);
  });

  it('lets a streamed body wait while the application is not ready, and answers its repetitions', () => {
    play(
      [
        '< CON PUT 0001 t=01 Path=fw Block1=0/1/16 *16:a',
        '! request PUT /fw streamed',
        '! requestBlock 0 more *16:a',
        // Too early: as if it had not come. Its retransmission is in time.
        '< CON PUT 0002 t=02 Path=fw Block1=1/0/16 "end"',
        '< CON PUT 0003 t=03 Path=fw Block1=0/1/16 *16:a',
        (p) => p.continue(),
        '> ACK 2.31 0003 t=03 Block1=0/1/16',
        '< CON PUT 0004 t=04 Path=fw Block1=0/1/16 *16:a',
        '> ACK 2.31 0004 t=04 Block1=0/1/16',
        '< CON PUT 0002 t=02 Path=fw Block1=1/0/16 "end"',
        '! requestBlock 16 last "end"',
      ],
      STREAMED,
    );
  });

  it('stops a streamed body with the answer', () => {
    play(
      [
        '< CON PUT 0001 t=01 Path=fw Block1=0/1/16 *16:a',
        '! request PUT /fw streamed',
        '! requestBlock 0 more *16:a',
        (p) => p.answer(Codes.forbidden),
        '> ACK 4.03 0001 t=01 Block1=0/0/16',
        (p) => p.continue(),
        '< CON PUT 0002 t=02 Path=fw Block1=1/0/16 *16:b',
        '> ACK 4.08 0002 t=02 Block1=1/0/16',
      ],
      STREAMED,
    );
  });

  it('tells the application when a streamed body will not be completed', () => {
    const begin: Step[] = [
      '< CON PUT 0001 t=01 Path=fw Block1=0/1/16 *16:a',
      '! request PUT /fw streamed',
      '! requestBlock 0 more *16:a',
      (p) => p.continue(),
      '> ACK 2.31 0001 t=01 Block1=0/1/16',
    ];
    const { endpoint } = play([...begin, '@ 247000', '! requestAbandoned', (p) => p.answer(Codes.changed)], STREAMED);
    assert.equal(endpoint.usage.unansweredRequests, 0);
    play([...begin, (p) => p.endpoint.forgetPeer(p.now, p.peer, p), '! requestAbandoned'], STREAMED);
    play(
      [
        ...begin,
        '< CON PUT 0002 t=02 Path=fw Block1=3/1/16 *16:b',
        '! requestAbandoned',
        '> ACK 4.08 0002 t=02 Block1=3/1/16',
      ],
      STREAMED,
    );
    play(
      [
        ...begin,
        '< CON PUT 0002 t=02 Path=fw Block1=0/1/16 *16:c',
        '! requestAbandoned',
        '! request PUT /fw streamed',
        '! requestBlock 0 more *16:c',
      ],
      STREAMED,
    );
  });
});
