/**
 * OMA object XML files (the LWM2M.xsd of LwM2M 1.0 and 1.1), as the registry publishes them and vendors write them:
 *
 *     <LWM2M> <Object> Name, ObjectID, ObjectURN, ObjectVersion, LWM2MVersion, MultipleInstances, Mandatory,
 *       <Resources> <Item ID="9"> Name, Operations, MultipleInstances, Mandatory, Type, RangeEnumeration, Units
 *
 * Other elements (descriptions above all) are passed over. A file comes from a stranger: document type definitions,
 * entities beyond XML's own five and processing instructions are refused, and every size is bounded.
 */
import { isMalformed, MAX_ID, malformed, parseId, parseObjectVersion } from '@lapwing/lwm2m';
import type {
  DataType,
  Malformed,
  ObjectDefinition,
  ObjectId,
  ResourceDefinition,
  ResourceId,
  ResourceOperations,
} from '@lapwing/lwm2m';
import { SaxesParser } from 'saxes';

export interface ObjectXmlLimits {
  /** Bytes of a file; 1 MiB. */
  readonly maxBytes: number;
  /** Objects in a file; 256. */
  readonly maxObjects: number;
  /** Elements within each other; 32. */
  readonly maxDepth: number;
  /** Characters of a name, a range, a unit or a URN; 1024. */
  readonly maxTextLength: number;
}
export const DEFAULT_OBJECT_XML_LIMITS: ObjectXmlLimits = Object.freeze({
  maxBytes: 1_048_576,
  maxObjects: 256,
  maxDepth: 32,
  maxTextLength: 1024,
});

/**
 * The Objects a file defines, one or more, in its order.
 *
 * @param xml  text, or bytes in UTF-8.
 * @returns Malformed with line and column where something is wrong.
 */
export function parseObjectXml(
  xml: string | Uint8Array,
  limits: ObjectXmlLimits = DEFAULT_OBJECT_XML_LIMITS,
): readonly ObjectDefinition[] | Malformed {
  const bytes = typeof xml === 'string' ? Buffer.byteLength(xml) : xml.length;
  if (bytes > limits.maxBytes) {
    return malformed(`the file has ${bytes} bytes, more than the limit of ${limits.maxBytes}`);
  }
  const text = typeof xml === 'string' ? xml : decodeUtf8(xml);
  return text === undefined ? malformed('the file is not UTF-8') : new ObjectXmlReader(limits).read(text);
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Where an element begins; lines and columns count from 1. */
interface Position {
  readonly line: number;
  readonly column: number;
}

/** An <Object> or <Item> while it is read: the text of its children by their name. */
interface Draft extends Position {
  readonly texts: Map<string, string>;
  /** The ID attribute of an <Item>. */
  readonly id: string | undefined;
}

const OBJECT = 'LWM2M/Object';
const ITEM = 'LWM2M/Object/Resources/Item';

class ObjectXmlReader {
  readonly #limits: ObjectXmlLimits;
  readonly #parser = new SaxesParser<{ xmlns: false; position: false }>({ xmlns: false, position: false });
  readonly #definitions: ObjectDefinition[] = [];
  /** Names of the open elements. */
  readonly #open: string[] = [];
  #object: Draft | undefined;
  #item: Draft | undefined;
  #resources: Map<number, ResourceDefinition> = new Map();
  #text = '';
  #start: Position = { line: 1, column: 1 };
  /** The first thing that was wrong; what comes after it is not looked at. */
  #failure: Malformed | undefined;

  constructor(limits: ObjectXmlLimits) {
    this.#limits = limits;
  }

  read(xml: string): readonly ObjectDefinition[] | Malformed {
    const parser = this.#parser;
    parser.on('error', (error) => {
      const entity = /entity|character reference/i.test(error.message);
      this.#fail(entity ? 'entities other than &amp; &lt; &gt; &quot; and &apos; are refused' : error.message);
    });
    parser.on('doctype', () => {
      this.#fail('a document type definition (DOCTYPE) is refused, an object XML has none');
    });
    parser.on('processinginstruction', ({ target }) => {
      if (target !== 'xml-stylesheet') this.#fail(`the processing instruction <?${shorten(target)}?> is refused`);
    });
    parser.on('opentagstart', ({ name }) => {
      // Known when the name is complete: "<", the name and the character that ends it have been read.
      const { line, column } = this.#here();
      this.#start = { line, column: Math.max(1, column - name.length - 2) };
    });
    parser.on('opentag', ({ name, attributes }) => {
      if (this.#failure === undefined) this.#handleOpen(name, attributes);
    });
    parser.on('text', (text) => {
      this.#text += text;
    });
    parser.on('cdata', (text) => {
      this.#text += text;
    });
    parser.on('closetag', ({ name }) => {
      if (this.#failure === undefined) this.#handleClose(name);
    });
    parser.write(xml).close();
    if (this.#failure !== undefined) return this.#failure;
    return this.#definitions.length > 0
      ? this.#definitions
      : malformed('the file has no <Object> within <LWM2M>, so it is no OMA object XML');
  }

  #here(): Position {
    return { line: this.#parser.line, column: this.#parser.column + 1 };
  }

  #fail(reason: string, { line, column }: Position = this.#here()): void {
    this.#failure ??= malformed(`line ${line}, column ${column}: ${reason}`);
  }

  #handleOpen(name: string, attributes: Readonly<Record<string, string>>): void {
    this.#open.push(name);
    this.#text = '';
    if (this.#open.length > this.#limits.maxDepth) {
      this.#fail(`elements are nested deeper than ${this.#limits.maxDepth}`, this.#start);
      return;
    }
    const at = this.#open.join('/');
    if (at === OBJECT) {
      this.#object = { ...this.#start, texts: new Map(), id: undefined };
      this.#resources = new Map();
    } else if (at === ITEM) {
      this.#item = { ...this.#start, texts: new Map(), id: attributes['ID'] };
    }
  }

  #handleClose(name: string): void {
    const at = this.#open.join('/');
    this.#open.pop();
    const parent = this.#open.join('/');
    if (at === OBJECT) this.#closeObject();
    else if (at === ITEM) this.#closeItem();
    else if (parent === OBJECT) this.#keepText(this.#object, name);
    else if (parent === ITEM) this.#keepText(this.#item, name);
    this.#text = '';
  }

  /** Descriptions are not used, and may be as long as the file. */
  #keepText(draft: Draft | undefined, name: string): void {
    if (draft === undefined || name.startsWith('Description') || name === 'Resources') return;
    const text = this.#text.replaceAll(/\s+/g, ' ').trim();
    if (text.length > this.#limits.maxTextLength) {
      this.#fail(`<${name}> has more than ${this.#limits.maxTextLength} characters`);
    } else if (draft.texts.has(name)) {
      this.#fail(`<${name}> is there twice`);
    } else {
      draft.texts.set(name, text);
    }
  }

  #closeObject(): void {
    const draft = this.#object;
    this.#object = undefined;
    if (draft === undefined) return;
    const definition = objectDefinition(draft, this.#resources);
    if (isMalformed(definition)) {
      this.#fail(definition.malformed, draft);
    } else if (this.#definitions.length === this.#limits.maxObjects) {
      this.#fail(`the file has more than ${this.#limits.maxObjects} Objects`, draft);
    } else if (this.#definitions.some(({ id, version }) => id === definition.id && version === definition.version)) {
      this.#fail(`Object ${definition.id} version ${definition.version} is there twice`, draft);
    } else {
      this.#definitions.push(definition);
    }
  }

  #closeItem(): void {
    const draft = this.#item;
    this.#item = undefined;
    if (draft === undefined) return;
    const definition = resourceDefinition(draft);
    if (isMalformed(definition)) this.#fail(definition.malformed, draft);
    else if (this.#resources.has(definition.id)) this.#fail(`Resource ${definition.id} is there twice`, draft);
    else this.#resources.set(definition.id, definition);
  }
}

const shorten = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text);

function objectDefinition(
  { texts }: Draft,
  resources: ReadonlyMap<number, ResourceDefinition>,
): ObjectDefinition | Malformed {
  const idText = texts.get('ObjectID') ?? '';
  const id = parseId(idText);
  if (id === undefined) {
    return malformed(
      idText === ''
        ? 'the <Object> has no <ObjectID>'
        : `<ObjectID> is a number from 0 to ${MAX_ID - 1}, not "${shorten(idText)}"`,
    );
  }
  const what = `Object ${id}`;
  const name = texts.get('Name') ?? '';
  if (name === '') return malformed(`${what} has no <Name>`);
  const urn = texts.get('ObjectURN') ?? '';
  // Before 1.1 there was no element for it; then the URN may end in it.
  const version = nonEmpty(texts.get('ObjectVersion')) ?? /:(\d+\.\d+)$/.exec(urn)?.[1] ?? '1.0';
  if (parseObjectVersion(version) === undefined) {
    return malformed(`${what}: <ObjectVersion> is of the form 1.0, not "${shorten(version)}"`);
  }
  const multiple = choice(texts, 'MultipleInstances', MULTIPLE_INSTANCES, what);
  if (isMalformed(multiple)) return multiple;
  const mandatory = choice(texts, 'Mandatory', MANDATORY, what);
  if (isMalformed(mandatory)) return mandatory;
  const lwm2mVersion = nonEmpty(texts.get('LWM2MVersion')) ?? '1.0';
  return { id: id as ObjectId, name, version, urn, lwm2mVersion, multiple, mandatory, resources };
}

function resourceDefinition({ id: idText, texts }: Draft): ResourceDefinition | Malformed {
  if (idText === undefined) return malformed('the <Item> has no ID');
  const id = parseId(idText.trim());
  if (id === undefined)
    return malformed(`the ID of an <Item> is a number from 0 to ${MAX_ID - 1}, not "${shorten(idText)}"`);
  const what = `Resource ${id}`;
  const name = texts.get('Name') ?? '';
  if (name === '') return malformed(`${what} has no <Name>`);
  const operations = choice(texts, 'Operations', OPERATIONS, what);
  if (isMalformed(operations)) return operations;
  const multiple = choice(texts, 'MultipleInstances', MULTIPLE_INSTANCES, what);
  if (isMalformed(multiple)) return multiple;
  const mandatory = choice(texts, 'Mandatory', MANDATORY, what);
  if (isMalformed(mandatory)) return mandatory;
  // What is executed has no value, whatever some files say.
  const type = operations === 'E' ? 'none' : choice(texts, 'Type', TYPES, what);
  if (isMalformed(type)) return type;
  const range = texts.get('RangeEnumeration') ?? '';
  const units = texts.get('Units') ?? '';
  return { id: id as ResourceId, name, operations, multiple, mandatory, type, range, units };
}

const nonEmpty = (text: string | undefined): string | undefined => (text === '' ? undefined : text);

const MULTIPLE_INSTANCES: ReadonlyMap<string, boolean> = new Map([
  ['Single', false],
  ['Multiple', true],
]);
const MANDATORY: ReadonlyMap<string, boolean> = new Map([
  ['Mandatory', true],
  ['Optional', false],
]);
/** None: for bootstrap only. */
const OPERATIONS: ReadonlyMap<string, ResourceOperations> = new Map([
  ['', ''],
  ['R', 'R'],
  ['W', 'W'],
  ['RW', 'RW'],
  ['E', 'E'],
]);
const TYPES: ReadonlyMap<string, DataType> = new Map([
  ['String', 'string'],
  ['Integer', 'integer'],
  ['Unsigned Integer', 'unsigned'],
  ['Unsigned', 'unsigned'],
  ['Float', 'float'],
  ['Boolean', 'boolean'],
  ['Opaque', 'opaque'],
  ['Time', 'time'],
  ['Objlnk', 'objlnk'],
  ['Corelnk', 'corelnk'],
]);

/** What an element's text stands for; letters may be of any case. */
function choice<T extends boolean | string>(
  texts: ReadonlyMap<string, string>,
  element: string,
  choices: ReadonlyMap<string, T>,
  what: string,
): T | Malformed {
  const text = texts.get(element) ?? '';
  for (const [word, meaning] of choices) if (word.toLowerCase() === text.toLowerCase()) return meaning;
  const words = [...choices.keys()].filter((word) => word !== '').join(', ');
  return malformed(
    text === '' ? `${what} has no <${element}>` : `${what}: <${element}> is one of ${words}, not "${shorten(text)}"`,
  );
}
