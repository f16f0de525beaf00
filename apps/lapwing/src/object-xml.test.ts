import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isMalformed, ObjectDefinitions } from '@lapwing/lwm2m';
import type { ObjectDefinition } from '@lapwing/lwm2m';
import { parseObjectXml } from './object-xml.ts';

const item = (id: string, { name = 'Cups', operations = 'R', type = 'Integer', more = '' } = {}): string => `
      <Item ID="${id}">
        <Name>${name}</Name>
        <Operations>${operations}</Operations>
        <MultipleInstances>Single</MultipleInstances>
        <Mandatory>Optional</Mandatory>
        <Type>${type}</Type>
        <RangeEnumeration>0..100</RangeEnumeration>
        <Units>Cel</Units>
        <Description><![CDATA[How many <b>cups</b>]]></Description>${more}
      </Item>`;
const object = ({
  id = '32769',
  version = '<ObjectVersion>1.1</ObjectVersion>',
  items = item('1'),
  more = '',
} = {}): string => `
  <Object ObjectType="MODefinition">
    <Name>Coffee &amp; Tea</Name>
    <Description1>Makes <i>coffee</i></Description1>
    <ObjectID>${id}</ObjectID>
    <ObjectURN>urn:oma:lwm2m:x:32769:1.1</ObjectURN>
    <LWM2MVersion>1.0</LWM2MVersion>
    ${version}
    <MultipleInstances>Multiple</MultipleInstances>
    <Mandatory>Mandatory</Mandatory>
    <Resources>${items}
    </Resources>
    <Description2></Description2>${more}
  </Object>`;
const file = (content: string): string => `<?xml version="1.0" encoding="UTF-8"?>
<!-- an example -->
<LWM2M xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="LWM2M.xsd">${content}
</LWM2M>`;

const objectsOf = (xml: string | Uint8Array): readonly ObjectDefinition[] => {
  const objects = parseObjectXml(xml);
  assert.ok(!isMalformed(objects), isMalformed(objects) ? objects.malformed : '');
  return objects;
};
const complaint = (xml: string | Uint8Array): string => {
  const objects = parseObjectXml(xml);
  assert.ok(isMalformed(objects), 'it was accepted');
  assert.ok(!objects.malformed.includes('\n') && objects.malformed.length < 200, objects.malformed);
  return objects.malformed;
};

describe('an object XML', () => {
  it('becomes a definition', () => {
    const [definition] = objectsOf(file(object()));
    assert.deepEqual(definition, {
      id: 32769,
      name: 'Coffee & Tea',
      version: '1.1',
      urn: 'urn:oma:lwm2m:x:32769:1.1',
      lwm2mVersion: '1.0',
      multiple: true,
      mandatory: true,
      resources: new Map([
        [
          1,
          {
            id: 1,
            name: 'Cups',
            operations: 'R',
            multiple: false,
            mandatory: false,
            type: 'integer',
            range: '0..100',
            units: 'Cel',
          },
        ],
      ]),
    });
    assert.ok(definition !== undefined);
    const definitions = new ObjectDefinitions();
    definitions.add(definition);
    assert.equal(definitions.resourceByName('coffee-tea.cups')?.resource.id, 1);
  });

  it('may hold several Objects, and several versions of one', () => {
    const objects = objectsOf(
      file(object() + object({ version: '<ObjectVersion>1.2</ObjectVersion>' }) + object({ id: '32770' })),
    );
    assert.deepEqual(
      objects.map(({ id, version }) => `${id} ${version}`),
      ['32769 1.1', '32769 1.2', '32770 1.1'],
    );
  });

  it('of the schema of 1.0 has its version in the URN, or none', () => {
    assert.equal(objectsOf(file(object({ version: '' })))[0]?.version, '1.1');
    const plain = file(object({ version: '' })).replace('urn:oma:lwm2m:x:32769:1.1', 'urn:oma:lwm2m:x:32769');
    assert.equal(objectsOf(plain)[0]?.version, '1.0');
  });

  it('knows all ten data types; what is executed has none', () => {
    const types = ['String', 'Integer', 'Unsigned Integer', 'Float', 'Boolean', 'Opaque', 'Time', 'Objlnk', 'Corelnk'];
    const items =
      types.map((type, id) => item(String(id), { type })).join('') + item('9', { operations: 'E', type: '' });
    const [definition] = objectsOf(file(object({ items })));
    assert.deepEqual(
      [...(definition?.resources.values() ?? [])].map(({ type }) => type),
      ['string', 'integer', 'unsigned', 'float', 'boolean', 'opaque', 'time', 'objlnk', 'corelnk', 'none'],
    );
    assert.equal(
      objectsOf(file(object({ items: item('1', { operations: 'E', type: 'String' }) })))[0]?.resources.get(1)?.type,
      'none',
    );
  });

  it('may have no Resources, and elements we do not know', () => {
    assert.equal(objectsOf(file(object({ items: '', more: '<Extra><Name>x</Name></Extra>' })))[0]?.resources.size, 0);
  });

  it('is taken as bytes in UTF-8, with a byte order mark or without', () => {
    const bytes = Buffer.from(file(object()));
    assert.equal(objectsOf(bytes).length, 1);
    assert.equal(objectsOf(Buffer.concat([Buffer.of(0xef, 0xbb, 0xbf), bytes])).length, 1);
    assert.equal(complaint(Buffer.from(file(object()), 'utf16le')).includes('line'), true);
    assert.equal(complaint(Buffer.of(0x3c, 0xff)), 'the file is not UTF-8');
  });
});

describe('an object XML is refused with one sentence', () => {
  it('when it has a document type definition', () => {
    const xml = `<?xml version="1.0"?>\n<!DOCTYPE LWM2M SYSTEM "http://evil.example/x.dtd">\n<LWM2M>${object()}</LWM2M>`;
    assert.match(complaint(xml), /^line 2, column \d+: a document type definition \(DOCTYPE\) is refused/);
  });

  it('when entities would grow to a billion laughs', () => {
    const lols = Array.from({ length: 9 }, (_, at) => `<!ENTITY lol${at + 1} "${`&lol${at};`.repeat(10)}">`).join('');
    const xml = `<!DOCTYPE lolz [<!ENTITY lol0 "lol">${lols}]>\n${file(object()).replace(/^.*\n/, '').replace('Cups', '&lol9;')}`;
    assert.match(complaint(xml), /DOCTYPE/);
  });

  it('when it reads a file through an external entity', () => {
    const xml = `<!DOCTYPE x [<!ENTITY xxe SYSTEM "file:///etc/passwd">]><LWM2M><Object><Name>&xxe;</Name></Object></LWM2M>`;
    assert.match(complaint(xml), /DOCTYPE/);
  });

  it('when it uses an entity that XML itself does not have', () => {
    assert.match(
      complaint(file(object({ items: item('1', { name: '&nbsp;' }) }))),
      /^line 15, column \d+: entities other than/,
    );
  });

  it('when it has a processing instruction, a style sheet aside', () => {
    assert.match(
      complaint(file(`<?php system("rm") ?>${object()}`)),
      /the processing instruction <\?php\?> is refused/,
    );
    assert.equal(objectsOf(file(`<?xml-stylesheet href="x.xsl"?>${object()}`)).length, 1);
  });

  it('when it is not well-formed', () => {
    assert.match(complaint(file('<Object>')), /^line \d+, column \d+: /);
    assert.match(complaint(''), /^line 1, /);
    assert.match(complaint('hello'), /^line 1, /);
    assert.match(complaint('<LWM2M a=b/>'), /^line 1, /);
  });

  it('when it is some other XML', () => {
    assert.match(complaint('<html><body/></html>'), /no <Object> within <LWM2M>/);
    assert.match(complaint('<LWM2M><Wrap><Object/></Wrap></LWM2M>'), /no <Object> within <LWM2M>/);
  });

  it('when ids are missing, wrong or there twice', () => {
    assert.match(complaint(file(object({ id: '' }))), /^line 4, column 3: the <Object> has no <ObjectID>/);
    assert.match(complaint(file(object({ id: '65535' }))), /<ObjectID> is a number from 0 to 65534, not "65535"/);
    assert.match(complaint(file(object({ id: '-1' }))), /not "-1"/);
    assert.match(complaint(file(object() + object())), /Object 32769 version 1.1 is there twice/);
    assert.match(
      complaint(file(object({ items: item('1') + item('1') }))),
      /^line 24, column 7: Resource 1 is there twice/,
    );
    assert.match(
      complaint(file(object({ items: item('x') }))),
      /the ID of an <Item> is a number from 0 to 65534, not "x"/,
    );
    assert.match(complaint(file(object({ items: '<Item/>' }))), /the <Item> has no ID/);
    assert.match(complaint(file(object({ more: '<ObjectID>5</ObjectID>' }))), /<ObjectID> is there twice/);
  });

  it('when a name, a type or a choice is missing or wrong', () => {
    assert.match(complaint(file(object({ items: item('1', { name: '' }) }))), /Resource 1 has no <Name>/);
    assert.match(complaint(file(object({ items: item('1', { type: '' }) }))), /Resource 1 has no <Type>/);
    assert.match(
      complaint(file(object({ items: item('1', { type: 'Double' }) }))),
      /Resource 1: <Type> is one of String, Integer, .*, not "Double"/,
    );
    assert.match(
      complaint(file(object({ items: item('1', { operations: 'RWX' }) }))),
      /<Operations> is one of R, W, RW, E, not "RWX"/,
    );
    assert.match(
      complaint(file(object({ version: '<ObjectVersion>one</ObjectVersion>' }))),
      /of the form 1.0, not "one"/,
    );
    assert.match(complaint(file(object()).replace('>Multiple<', '>Many<')), /one of Single, Multiple, not "Many"/);
    assert.match(
      complaint(file(object()).replace('<Mandatory>Mandatory</Mandatory>', '')),
      /Object 32769 has no <Mandatory>/,
    );
  });

  it('when it is too large, too deep, or has too much in it', () => {
    assert.equal(complaint(' '.repeat(1_048_577)), 'the file has 1048577 bytes, more than the limit of 1048576');
    assert.equal(complaint('é'.repeat(600_000)), 'the file has 1200000 bytes, more than the limit of 1048576');
    assert.match(complaint(file('<a>'.repeat(100) + '</a>'.repeat(100))), /nested deeper than 32/);
    assert.match(
      complaint(file(object({ items: item('1', { name: 'x'.repeat(1025) }) }))),
      /<Name> has more than 1024 characters/,
    );
    const many = Array.from({ length: 257 }, (_, at) => object({ id: String(40000 + at) })).join('');
    assert.match(complaint(file(many)), /more than 256 Objects/);
  });
});
