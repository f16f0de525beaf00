import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Codes, encodeUtf8, formatCode } from '@lapwing/coap';
import fc from 'fast-check';
import {
  DEFAULT_REGISTRATION_LIMITS,
  formatObjectLinks,
  formatRegisterQueries,
  formatUpdateQueries,
  isMalformed,
  isProfileId,
  isRefusedRegistration,
  parseObjectLinks,
  parseRegister,
  parseUpdate,
  pathSegments,
  serverRequest,
} from '../index.ts';
import type { AnnouncedObject, LwM2mVersion, ObjectLinks, RegisterParameters, UpdateParameters } from '../index.ts';

const LINKS = '</1/0>,</3/0>';
const registered = (queries: string, links: string | Uint8Array = LINKS): RegisterParameters => {
  const register = parseRegister(queries.split('&'), links);
  assert.ok(!isMalformed(register), isMalformed(register) ? register.malformed : '');
  return register;
};
const refusal = (queries: readonly string[], links: string | Uint8Array = LINKS): string => {
  const register = parseRegister(queries, links);
  assert.ok(isRefusedRegistration(register), `${queries.join('&')} ${String(links)} was accepted`);
  assert.ok(register.malformed.length < 200);
  return formatCode(register.code);
};
const updated = (queries: readonly string[], links = '', version: LwM2mVersion = '1.1'): UpdateParameters => {
  const update = parseUpdate(queries, links, version);
  assert.ok(!isMalformed(update), isMalformed(update) ? update.malformed : '');
  return update;
};
const linksOf = (text: string, version: LwM2mVersion = '1.1'): ObjectLinks => {
  const links = parseObjectLinks(text, version);
  assert.ok(!isMalformed(links), isMalformed(links) ? links.malformed : '');
  return links;
};
/** "3@1.1:0,1 5@1.0:" */
const summary = (text: string, version?: LwM2mVersion): string =>
  linksOf(text, version)
    .objects.map(({ objectId, version, objectInstanceIds }) => `${objectId}@${version}:${objectInstanceIds.join()}`)
    .join(' ');

describe('Register', () => {
  it('is read with all its parameters, in any order (OMA TS Core §6.2.1)', () => {
    assert.deepEqual(
      registered('Q&sms=4917612345&lwm2m=1.2&b=UT&pid="6:27354b9a,oma:foo"&lt=300&ep=urn:dev:1', '</3/0>'),
      {
        endpointClientName: 'urn:dev:1',
        lifetimeSeconds: 300,
        lwm2mVersion: '1.2',
        binding: 'UT',
        queueMode: true,
        smsNumber: '4917612345',
        profileIds: ['6:27354b9a', 'oma:foo'],
        additionalParameters: {},
        ignored: [],
        objects: [{ objectId: 3, version: '1.2', objectInstanceIds: [0] }],
        contentFormats: [],
        alternatePath: '',
      },
    );
  });

  it('of an old client without lt, lwm2m and b gets 86,400 s, version 1.0 and binding U', () => {
    const { lifetimeSeconds, lwm2mVersion, binding, queueMode } = registered('ep=old');
    assert.deepEqual(
      { lifetimeSeconds, lwm2mVersion, binding, queueMode },
      {
        lifetimeSeconds: 86_400,
        lwm2mVersion: '1.0',
        binding: 'U',
        queueMode: false,
      },
    );
  });

  it('of a client that names no binding gets U', () => {
    assert.equal(registered('ep=a&lwm2m=1.1&lt=60').binding, 'U');
    assert.equal(registered('ep=a&lwm2m=1.1&lt=60&b=').binding, 'U');
  });

  it('says queue mode inside the binding in 1.0, with a flag later', () => {
    assert.equal(registered('ep=a&b=UQ').queueMode, true);
    assert.equal(registered('ep=a&b=UQS').queueMode, true);
    assert.equal(registered('ep=a&lwm2m=1.1&b=U&Q').queueMode, true);
    assert.equal(registered('ep=a&lwm2m=1.1&b=U').queueMode, false);
  });

  it('for ever has lifetime 0', () => {
    assert.equal(registered('ep=a&lt=0').lifetimeSeconds, 0);
  });

  it('without an Endpoint Client Name leaves it to the identity', () => {
    assert.equal(registered('lt=60&lwm2m=1.1').endpointClientName, undefined);
    assert.equal(registered('ep=&lt=60&lwm2m=1.1').endpointClientName, undefined);
  });

  it('with parameters of a CoRE Resource Directory, or of nobody, keeps them', () => {
    const { additionalParameters, ignored } = registered('ep=a&et=sensor&d="local"&rt&x=a=b&x=c&__proto__=d');
    assert.deepEqual(Object.entries(additionalParameters), [
      ['et', 'sensor'],
      ['d', 'local'],
      ['rt', ''],
      ['x', 'c'],
      ['__proto__', 'd'],
    ]);
    assert.deepEqual(ignored, []);
  });

  it('with more additional parameters than there is room for, or control characters in them, passes those over', () => {
    const many = Array.from({ length: 20 }, (_, index) => `p${index}=${index}`);
    const { additionalParameters, ignored } = registered(['ep=a', ...many].join('&'));
    assert.deepEqual(Object.keys(additionalParameters).length, 16);
    assert.deepEqual(ignored, ['p16', 'p17', 'p18', 'p19']);
    const few = parseRegister(['ep=a', ...many], LINKS, { ...DEFAULT_REGISTRATION_LIMITS, maxAdditionalParameters: 1 });
    assert.ok(!isMalformed(few));
    assert.deepEqual(few.additionalParameters, { p0: '0' });
    const odd = registered('ep=a&x=\u001b[2J&\u0007=1');
    assert.deepEqual([odd.additionalParameters, odd.ignored], [{}, ['x', '\u0007']]);
  });

  it('with an unusable telephone number goes on without it', () => {
    const { smsNumber, ignored } = registered('ep=a&sms=n/a');
    assert.equal(smsNumber, undefined);
    assert.deepEqual(ignored, ['sms']);
    assert.equal(registered('ep=a&sms=+4917612345').smsNumber, '4917612345');
  });

  it('of LwM2M 1.2 is accepted, of a version that does not exist is 4.12', () => {
    assert.equal(registered('ep=a&lwm2m=1.2').lwm2mVersion, '1.2');
    assert.equal(registered('ep=a&lwm2m="1.0"').lwm2mVersion, '1.0');
    assert.equal(registered('ep=a&lwm2m=1.0.2').lwm2mVersion, '1.0');
    for (const version of ['1.3', '2.0', '1', '', 'x', '1.1.1.1']) {
      assert.equal(refusal(['ep=a', `lwm2m=${version}`]), '4.12', version);
    }
  });

  it('with a wrong lifetime, binding or name, or a parameter twice, is 4.00', () => {
    for (const lifetime of ['', '-1', '1.5', 'x', '1e3', '9999999999999']) {
      assert.equal(refusal(['ep=a', `lt=${lifetime}`]), '4.00', lifetime);
    }
    assert.equal(refusal(['ep=a', 'b=X']), '4.00');
    assert.equal(refusal(['ep=a', 'b=UUUUUUUU']), '4.00');
    assert.equal(refusal(['ep=a', 'ep=b']), '4.00');
    assert.equal(refusal(['ep=a\nb']), '4.00');
    assert.equal(refusal(['ep=\u0085']), '4.00');
    assert.equal(refusal([`ep=${'x'.repeat(256)}`]), '4.00');
    assert.equal(refusal([`ep=${'é'.repeat(128)}`]), '4.00');
    assert.equal(registered(`ep=${'x'.repeat(255)}`).endpointClientName?.length, 255);
  });

  it('with a broken list of links, or too many, is 4.00', () => {
    assert.equal(refusal(['ep=a'], '</3/0'), '4.00');
    assert.equal(refusal(['ep=a'], Uint8Array.of(0x3c, 0xff)), '4.00');
    assert.equal(refusal(['ep=a'], Array.from({ length: 5000 }, (_, id) => `</9/${id}>`).join()), '4.00');
  });

  it('with a profile instead of a list is 4.09, so that the list is sent', () => {
    assert.equal(refusal(['ep=a', 'lwm2m=1.2', 'lt=60', 'pid=6:27354b9a'], ''), '4.09');
  });

  it('with an empty list has no Objects', () => {
    assert.deepEqual(registered('ep=a', '').objects, []);
  });

  it('never throws, whatever is sent', () => {
    const query = fc
      .tuple(fc.constantFrom('ep', 'lt', 'lwm2m', 'b', 'Q', 'sms', 'pid', '', '='), fc.string())
      .map(([name, value]) => `${name}=${value}`);
    const link = fc.constantFrom(
      '<',
      '>',
      '/',
      '3',
      '0',
      ';',
      'ver=',
      'rt=',
      '"',
      '1.1',
      ',',
      'ct=',
      ' ',
      '%',
      'oma.lwm2m',
      '</3/0>',
      '</>',
    );
    fc.assert(
      fc.property(
        fc.array(query),
        fc.oneof(fc.uint8Array(), fc.string({ unit: link }).map(encodeUtf8)),
        (queries, payload) => {
          void parseRegister(queries, payload);
          void parseUpdate(queries, payload, '1.1');
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('Update', () => {
  it('without parameters changes nothing', () => {
    assert.deepEqual(updated([]), {
      lifetimeSeconds: undefined,
      binding: undefined,
      queueMode: undefined,
      smsNumber: undefined,
      profileIds: [],
      additionalParameters: {},
      ignored: [],
      links: undefined,
    });
  });

  it('brings what has changed, and the whole list when there is a payload', () => {
    const update = updated(['lt=600000', 'b=UQ', 'sms=123'], '</3/0>,</5>', '1.0');
    assert.equal(update.lifetimeSeconds, 600_000);
    assert.equal(update.binding, 'UQ');
    assert.equal(update.queueMode, true);
    assert.equal(update.smsNumber, '123');
    assert.deepEqual(
      update.links?.objects.map(({ objectId }) => objectId),
      [3, 5],
    );
  });

  it('with a new binding says anew whether queue mode is used; Q alone begins it', () => {
    assert.equal(updated(['b=U']).queueMode, false);
    assert.equal(updated(['b=U', 'Q']).queueMode, true);
    assert.equal(updated(['Q']).queueMode, true);
    assert.equal(updated(['lt=60']).queueMode, undefined);
  });

  it('cannot change the name or the version', () => {
    const { ignored, additionalParameters } = updated(['ep=b', 'lwm2m=1.0', 'et=sensor']);
    assert.deepEqual([ignored, additionalParameters], [['ep', 'lwm2m'], { et: 'sensor' }]);
  });

  it('that is broken is 4.00', () => {
    for (const [query, links] of [
      ['lt=x', ''],
      ['b=?', ''],
      ['lt=1', '</3/0'],
    ] as const) {
      const update = parseUpdate([query], links, '1.1');
      assert.ok(isRefusedRegistration(update) && update.code === Codes.badRequest);
    }
  });
});

describe('the list of Objects', () => {
  it('takes versions quoted and bare, on the Object or on its only instance', () => {
    assert.equal(summary('</10>;ver="1.1",</10/0>', '1.0'), '10@1.1:0');
    assert.equal(summary('</10>;ver=1.1,</10/0>'), '10@1.1:0');
    assert.equal(summary('</44/0>;ver=2.2'), '44@2.2:0');
    assert.equal(summary('</1>;ver=1.2,</1/0>', '1.1'), '1@1.2:0');
    assert.equal(summary('</44/0>;ver=2.2,</44>;ver=2.3'), '44@2.3:0');
  });

  it('gives an Object without version what the LwM2M version implies, whatever its own versions are', () => {
    assert.equal(summary('</3/0>,</4/0>,</3303/0>', '1.0'), '3@1.0:0 4@1.0:0 3303@1.0:0');
    assert.equal(summary('</3/0>,</4/0>,</3303/0>', '1.1'), '3@1.1:0 4@1.2:0 3303@1.0:0');
    assert.equal(summary('</3/0>,</4/0>,</3303/0>', '1.2'), '3@1.2:0 4@1.3:0 3303@1.0:0');
  });

  it('passes over a version that is none', () => {
    assert.equal(summary('</3>;ver=x,</3/0>,</4>;ver,</4/0>', '1.0'), '3@1.0:0 4@1.0:0');
  });

  it('takes ct with one number and with a quoted list', () => {
    assert.deepEqual(linksOf('</>;ct=110,</3/0>').contentFormats, [110]);
    assert.deepEqual(linksOf('</>;ct="60 110 112 11542",</3/0>').contentFormats, [60, 110, 112, 11542]);
    assert.deepEqual(linksOf('</>;rt="oma.lwm2m";ct=100,</3/0>').contentFormats, [100]);
    assert.deepEqual(linksOf('</>;ct=11543').contentFormats, [11543]);
    assert.deepEqual(linksOf('</>;ct="0 65536 x 112 112"').contentFormats, [0, 112]);
    assert.deepEqual(linksOf('</3/0>').contentFormats, []);
  });

  it('takes Objects without instances, in any order, with blanks, doubled and with trailing slashes', () => {
    assert.equal(summary('</5>, </3303/1>,</3303/0/>,</3303/1>,</3303>, </1/0/>'), '1@1.1:0 5@1.0: 3303@1.0:0,1');
  });

  it('passes over what is no Object or Object Instance, and parameters nobody asked for', () => {
    assert.equal(summary('</sensors/temp>;rt=x,</3/0>;title="a,b";if=core.s,</3/0/1>,</65535/0>,</03/0>'), '3@1.1:0');
  });

  it('leaves out Security, OSCORE and COSE, which hold keys', () => {
    assert.equal(summary('</0/0>,</1/0>,</21/0>,</23/0>,</24/0>'), '1@1.1:0 24@1.0:0');
  });

  it('is found below an alternate path, wherever the link that names it stands', () => {
    const links = linksOf('</lwm2m>;rt="oma.lwm2m";ct=112,</lwm2m/1/0>,</lwm2m/3>;ver=1.1,</lwm2m/5>,</3303/0>');
    assert.equal(links.alternatePath, '/lwm2m');
    assert.deepEqual(links.contentFormats, [112]);
    assert.deepEqual(
      links.objects.map(({ objectId }) => objectId),
      [1, 3, 5],
    );
    assert.equal(linksOf('</a/3/0>,</a>;rt=oma.lwm2m').alternatePath, '/a');
    assert.deepEqual(linksOf('</a>;rt=oma.lwm2m,</a3/0>').objects, []);
    assert.equal(linksOf('</a/>;rt="core.s oma.lwm2m x",</a/3/0>').objects.length, 1);
    assert.equal(linksOf('</a/b>;rt="oma.lwm2m",</a/b/3/0>').objects.length, 1);
  });

  it('has percent-encoding undone', () => {
    const links = linksOf('</lw%6D2m%20x>;rt="oma.lwm2m",</lwm2m%20x/3/0>');
    assert.equal(links.alternatePath, '/lwm2m x');
    assert.deepEqual(pathSegments(links.alternatePath), ['lwm2m x']);
    assert.equal(links.objects.length, 1);
    assert.equal(linksOf('</%33/0>').objects[0]?.objectId, 3);
  });

  it('takes no alternate path that is a number, cannot be decoded or is too long', () => {
    assert.equal(linksOf('</3>;rt="oma.lwm2m",</3/0>').alternatePath, '');
    assert.equal(linksOf('</%ff>;rt="oma.lwm2m",</3/0>').alternatePath, '');
    assert.equal(linksOf('</a%2Fb>;rt="oma.lwm2m",</3/0>').alternatePath, '');
    assert.equal(linksOf(`</${'a'.repeat(300)}>;rt="oma.lwm2m",</3/0>`).alternatePath, '');
  });
});

describe('what our Client sends', () => {
  const objects: readonly AnnouncedObject[] = [
    { objectId: 0, version: '1.1', objectInstanceIds: [0] },
    { objectId: 1, version: '1.1', objectInstanceIds: [0, 1] },
    { objectId: 3, version: '1.2', objectInstanceIds: [0] },
    { objectId: 5, version: '1.1', objectInstanceIds: [] },
    { objectId: 3303, version: '1.0', objectInstanceIds: [0] },
  ];

  it('names the Endpoint Client Name first, where a known Server looks for it', () => {
    assert.deepEqual(
      formatRegisterQueries({
        smsNumber: '123',
        lwm2mVersion: '1.1',
        lifetimeSeconds: 300,
        endpointClientName: 'dev',
        queueMode: true,
      }),
      ['ep=dev', 'lt=300', 'lwm2m=1.1', 'b=U', 'Q', 'sms=123'],
    );
    assert.deepEqual(formatRegisterQueries({ lwm2mVersion: '1.0', lifetimeSeconds: 0, queueMode: true }), [
      'lt=0',
      'lwm2m=1.0',
      'b=UQ',
    ]);
  });

  it('says what an application adds, and refuses what could be taken for something else', () => {
    const parameters = { lwm2mVersion: '1.1', lifetimeSeconds: 300 } as const;
    const queries = (additionalParameters: Readonly<Record<string, string>>): readonly string[] =>
      formatRegisterQueries({ ...parameters, additionalParameters });
    assert.deepEqual(queries({ et: 'sensor', d: 'a=b' }), ['lt=300', 'lwm2m=1.1', 'b=U', 'et=sensor', 'd=a=b']);
    const read = parseRegister(['ep=a', ...queries({ et: 'sensor', d: 'a=b' })], LINKS);
    assert.ok(!isMalformed(read));
    assert.deepEqual(read.additionalParameters, { et: 'sensor', d: 'a=b' });
    for (const name of ['', 'a=b', 'ep', 'lt', 'Q', 'a\n']) assert.throws(() => queries({ [name]: '1' }), /is no add/);
    assert.throws(() => queries({ x: 'y'.repeat(254) }), /longer than 255 bytes/);
  });

  it('names Profile IDs in 1.2, and in no older version', () => {
    const parameters = { lifetimeSeconds: 300, profileIds: ['6:27354b9a', 'oma:foo'] };
    assert.deepEqual(formatRegisterQueries({ ...parameters, lwm2mVersion: '1.2' }).at(-1), 'pid=6:27354b9a,oma:foo');
    assert.deepEqual(formatRegisterQueries({ ...parameters, lwm2mVersion: '1.1' }), ['lt=300', 'lwm2m=1.1', 'b=U']);
  });

  for (const [text, is] of [
    ['6:27354b9a', true],
    ['1:0', true],
    ['oma:foo-1', true],
    ['v:A', true],
    ['0:ab', false],
    ['7:ab', false],
    ['6:AB', false],
    ['6:', false],
    ['oma:', false],
    ['x:foo', false],
    ['oma:a b', false],
    ['oma:foo,oma:bar', false],
  ] as const) {
    it(`"${text}" is ${is ? 'a' : 'no'} Profile ID`, () => assert.equal(isProfileId(text), is));
  }

  it('updates only what has changed', () => {
    assert.deepEqual(formatUpdateQueries({}, '1.1'), []);
    assert.deepEqual(formatUpdateQueries({ lifetimeSeconds: 60 }, '1.1'), ['lt=60']);
    assert.deepEqual(formatUpdateQueries({ binding: 'U', queueMode: true }, '1.1'), ['b=U', 'Q']);
    assert.deepEqual(formatUpdateQueries({ queueMode: true }, '1.0'), ['b=UQ']);
    assert.throws(() => formatUpdateQueries({ lifetimeSeconds: -1 }, '1.1'), /whole number of seconds, not -1/);
  });

  it('announces one bare ct, and versions only where they differ from the implied ones', () => {
    assert.equal(
      formatObjectLinks(objects, { lwm2mVersion: '1.1', contentFormat: 112 }),
      '</>;ct=112,</1/0>,</1/1>,</3>;ver=1.2,</3/0>,</5>;ver=1.1,</3303/0>',
    );
    assert.equal(formatObjectLinks(objects.slice(2, 3), { lwm2mVersion: '1.0' }), '</3>;ver="1.2",</3/0>');
    assert.equal(formatObjectLinks([], { lwm2mVersion: '1.1' }), '');
    assert.throws(() =>
      formatObjectLinks([{ objectId: 9, version: 'x', objectInstanceIds: [] }], { lwm2mVersion: '1.1' }),
    );
  });

  it('is read back the same', () => {
    const anyObjects = fc.uniqueArray(fc.integer({ min: 24, max: 65534 }), { maxLength: 8 }).chain((ids) =>
      fc.tuple(
        ...ids.map((objectId) =>
          fc.record(
            {
              objectId: fc.constant(objectId),
              version: fc.tuple(fc.nat(9), fc.nat(9)).map((parts) => parts.join('.')),
              objectInstanceIds: fc
                .uniqueArray(fc.nat(65534), { maxLength: 4 })
                .map((all) => all.sort((a, b) => a - b)),
            },
            { noNullPrototype: true },
          ),
        ),
      ),
    );
    const anyVersion = fc.constantFrom<LwM2mVersion>('1.0', '1.1', '1.2');
    const anyAlternatePath = fc.constantFrom('', '/lwm2m', '/a b/ü');
    fc.assert(
      fc.property(
        anyObjects,
        anyVersion,
        anyAlternatePath,
        fc.option(fc.nat(65535), { nil: undefined }),
        (given, lwm2mVersion, alternatePath, contentFormat) => {
          const text = formatObjectLinks(given, { lwm2mVersion, alternatePath, contentFormat });
          assert.deepEqual(linksOf(text, lwm2mVersion), {
            objects: [...given].sort((a, b) => a.objectId - b.objectId),
            contentFormats: contentFormat === undefined ? [] : [contentFormat],
            alternatePath,
          });
        },
      ),
    );
    const queries = formatRegisterQueries({
      endpointClientName: 'dev',
      lwm2mVersion: '1.1',
      lifetimeSeconds: 300,
      queueMode: true,
    });
    const register = parseRegister(queries, '');
    assert.ok(!isMalformed(register));
    assert.deepEqual([register.endpointClientName, register.lifetimeSeconds, register.queueMode], ['dev', 300, true]);
  });
});

describe('requests to a Server', () => {
  it('are told by method and path', () => {
    assert.deepEqual(serverRequest(Codes.post, ['rd']), { kind: 'register' });
    assert.deepEqual(serverRequest(Codes.post, ['rd', 'a1']), { kind: 'update', registrationId: 'a1' });
    assert.deepEqual(serverRequest(Codes.delete, ['rd', 'a1']), { kind: 'deregister', registrationId: 'a1' });
    assert.deepEqual(serverRequest(Codes.post, ['dp']), { kind: 'send' });
  });

  it('are nothing else', () => {
    for (const [code, segments] of [
      [Codes.get, ['rd']],
      [Codes.put, ['rd', 'a1']],
      [Codes.delete, ['rd']],
      [Codes.post, ['rd', 'a1', 'b']],
      [Codes.get, ['dp']],
      [Codes.post, ['dp', '1']],
      [Codes.post, ['bs']],
      [Codes.post, []],
    ] as const) {
      assert.equal(serverRequest(code, segments), undefined);
    }
  });
});
