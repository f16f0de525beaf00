/**
 * Validation of what comes in, by typebox. Text from the URL is converted to numbers first; bodies are taken as they are,
 * so that "5" stays text. An error names the field and says what was expected there.
 */
import type { FastifySchemaCompiler } from 'fastify';
import { Compile } from 'typebox/compile';
import type { TSchema } from 'typebox';
import { badRequest } from './problem.ts';

export const compileRequestSchema: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const validator = Compile(schema);
  return (input: unknown) => {
    // A route whose schema allows null does without a body.
    const value = httpPart === 'body' ? (input ?? null) : withNumbers(schema, input);
    if (validator.Check(value)) return { value };
    return { error: badRequest(...complaint(validator.Errors(value), httpPart, value, schema)) };
  };
};

/** Text of the URL as a number where one is wanted and one is written; all else stays as it is and fails the check. */
function withNumbers(schema: TSchema, input: unknown): unknown {
  const { properties = {} } = schema as { readonly properties?: Readonly<Record<string, { readonly type?: unknown }>> };
  const numbers = Object.entries((input ?? {}) as Record<string, unknown>).filter(
    ([name, text]) => properties[name]?.type === 'integer' && typeof text === 'string' && /^-?\d{1,20}$/.test(text),
  );
  if (numbers.length === 0) return input;
  return { ...(input as object), ...Object.fromEntries(numbers.map(([name, text]) => [name, Number(text)])) };
}

type SchemaErrors = ReturnType<ReturnType<typeof Compile>['Errors']>;

/** The most telling of the errors, as one sentence and the field it is about. */
function complaint(
  errors: SchemaErrors,
  httpPart: string | undefined,
  value: unknown,
  schema: TSchema,
): [string, string | undefined] {
  const part = PARTS[httpPart ?? ''] ?? 'request';
  if (part === 'body' && value === null) {
    return [
      (schema as { type?: unknown }).type === 'string' ? 'A body is needed.' : 'A JSON body is needed.',
      undefined,
    ];
  }
  const unknown = errors.find((error) => error.keyword === 'additionalProperties');
  if (unknown?.keyword === 'additionalProperties') {
    const name = unknown.params.additionalProperties[0] ?? '';
    const field = fieldName(part, `${unknown.instancePath}/${name}`);
    return [`The ${part} has a field that does not belong there: ${field}.`, field];
  }
  // The deepest error is about the value itself, those above only say that something inside is wrong.
  const [deepest] = [...errors].sort((a, b) => depth(b.instancePath) - depth(a.instancePath));
  if (deepest === undefined) return [`The ${part} is wrong.`, undefined];
  const alternatives = errors.filter(
    (error) => error.instancePath === deepest.instancePath && error.keyword !== 'anyOf' && error.keyword !== 'boolean',
  );
  const wanted = [...new Set((alternatives.length > 0 ? alternatives : [deepest]).map((error) => error.message))];
  const field = fieldName(part, deepest.instancePath);
  return [`The ${part} is wrong${field === '' ? '' : ` at ${field}`}: ${wanted.join(', or ')}.`, field || undefined];
}

const PARTS: Readonly<Record<string, string>> = {
  body: 'body',
  querystring: 'query',
  params: 'path',
  headers: 'header',
};

const depth = (pointer: string): number => pointer.split('/').length;
const fieldName = (part: string, pointer: string): string => (part === 'body' ? pointer : pointer.slice(1));
