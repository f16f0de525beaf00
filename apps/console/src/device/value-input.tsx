/** An input for one value, by data type; what it holds is a draft that `parseDraft` judges. */
import { Button, FileButton, Group, SegmentedControl, Stack, Switch, Textarea, TextInput } from '@mantine/core';
import type { JSX } from 'react';
import type { DataType } from '../api/shapes.ts';
import { bytesOfBase64, formatHex } from '../values/format-value.ts';
import { unitSymbol } from '../values/unit-symbols.ts';
import { localInputTime, parseDraft, rangeWarning, type Draft } from '../values/parse-value.ts';

interface ValueInputProps {
  readonly label: string;
  readonly type: DataType;
  readonly range: string;
  readonly units: string;
  readonly draft: Draft;
  readonly onChange: (draft: Draft) => void;
  /** Say what is wrong; before the first try a person is left to type. */
  readonly strict: boolean;
  /** What the server found wrong. */
  readonly mistake?: string | undefined;
  readonly autoFocus?: boolean;
}

const TYPE_WORDS: Readonly<Record<DataType, string>> = {
  string: 'Text',
  integer: 'Whole number',
  unsigned: 'Whole number, not negative',
  float: 'Number',
  boolean: 'True or false',
  opaque: 'Bytes',
  time: 'Local time',
  objlnk: 'Object and Object Instance, like 3:0',
  corelnk: 'Links, like </3/0>',
  none: 'No value',
};

export const ValueInput = (props: ValueInputProps): JSX.Element => {
  const { label, type, range, units, draft, onChange, strict, mistake, autoFocus = false } = props;
  const parsed = parseDraft(type, draft);
  const warning = parsed.ok ? rangeWarning(type, range, parsed.value) : undefined;
  const error = strict && !parsed.ok ? parsed.reason : mistake;
  const symbol = unitSymbol(units);
  const hint = [TYPE_WORDS[type], range === '' ? '' : `range ${range}`].filter((part) => part !== '').join(' · ');
  const common = {
    label,
    description: warning === undefined ? hint : `${hint}. ${warning}`,
    error,
    'data-autofocus': autoFocus || undefined,
  };
  const text = typeof draft === 'string' ? draft : String(draft);
  switch (type) {
    case 'boolean':
      return (
        <Switch
          {...common}
          checked={draft === true}
          onChange={(event) => onChange(event.currentTarget.checked)}
          size="md"
        />
      );
    case 'opaque':
      return <OpaqueInput {...common} draft={text} onChange={onChange} />;
    case 'time':
      return (
        <Group align="flex-end" wrap="nowrap">
          <TextInput
            {...common}
            flex={1}
            type="datetime-local"
            step={1}
            value={text}
            onChange={(event) => onChange(event.currentTarget.value)}
          />
          <Button variant="light" onClick={() => onChange(localInputTime(Date.now()))}>
            Now
          </Button>
        </Group>
      );
    case 'integer':
    case 'unsigned':
    case 'float':
    case 'objlnk':
      return (
        <TextInput
          {...common}
          inputMode={type === 'objlnk' ? 'text' : 'decimal'}
          autoComplete="off"
          value={text}
          rightSection={symbol === '' ? undefined : <span className="quiet">{symbol}</span>}
          rightSectionWidth={symbol.length * 9 + 20}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      );
    case 'string':
    case 'corelnk':
    case 'none':
      return (
        <Textarea
          {...common}
          autosize
          minRows={1}
          maxRows={8}
          spellCheck={false}
          value={text}
          onChange={(event) => onChange(event.currentTarget.value)}
          onKeyDown={(event) => {
            // One line is the rule: Enter sends, Shift+Enter breaks the line.
            if (event.key !== 'Enter' || event.shiftKey) return;
            event.preventDefault();
            event.currentTarget.form?.requestSubmit();
          }}
        />
      );
  }
};

interface OpaqueInputProps {
  readonly label: string;
  readonly description: string;
  readonly error: string | undefined;
  /** "hex:…" or "base64:…". */
  readonly draft: string;
  readonly onChange: (draft: string) => void;
}

const OpaqueInput = ({ label, description, error, draft, onChange, ...rest }: OpaqueInputProps): JSX.Element => {
  const notation = draft.startsWith('hex:') ? 'hex' : 'base64';
  const text = draft.slice(notation.length + 1);
  const parsed = parseDraft('opaque', draft);
  const bytes = parsed.ok && typeof parsed.value === 'string' ? bytesOfBase64(parsed.value) : undefined;
  const inNotation = (wanted: string): string => {
    if (bytes === undefined) return `${wanted}:${text}`;
    return wanted === 'hex' ? `hex:${formatHex(bytes)}` : `base64:${parsed.ok ? String(parsed.value) : ''}`;
  };
  const load = async (file: File | null): Promise<void> => {
    if (file === null) return;
    const content = new Uint8Array(await file.arrayBuffer());
    onChange(`hex:${formatHex(content)}`);
  };
  return (
    <Stack gap={6}>
      <Textarea
        {...rest}
        label={label}
        description={
          bytes === undefined
            ? description
            : `${description} · ${bytes.length === 1 ? '1 byte' : `${bytes.length} bytes`}`
        }
        error={error}
        classNames={{ input: 'mono' }}
        autosize
        minRows={2}
        maxRows={8}
        spellCheck={false}
        value={text}
        onChange={(event) => onChange(`${notation}:${event.currentTarget.value}`)}
      />
      <Group gap="xs">
        <SegmentedControl
          size="xs"
          aria-label={`Notation of ${label}`}
          data={[
            { value: 'base64', label: 'base64' },
            { value: 'hex', label: 'hex' },
          ]}
          value={notation}
          onChange={(wanted) => onChange(inNotation(wanted))}
        />
        <FileButton onChange={(file) => void load(file)}>
          {(button) => (
            <Button {...button} size="compact-xs" variant="subtle">
              From a file
            </Button>
          )}
        </FileButton>
      </Group>
    </Stack>
  );
};
