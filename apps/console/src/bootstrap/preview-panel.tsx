/** What a device would be asked, in order: method, path, format, size and values; nothing secret is in it. */
import { Alert, Button, Collapse, Group, Paper, Select, Stack, Text, Textarea, Title } from '@mantine/core';
import { useState, type JSX } from 'react';
import type { PreviewedOperation, PreviewedValue, PreviewOptions } from '../api/bootstrap-shapes.ts';
import type { DataType, JsonValue } from '../api/shapes.ts';
import { parseNodePath } from '../api/node-path.ts';
import { useObjectNames } from '../devices/object-names.ts';
import type { OperationState } from '../device/operation.ts';
import { formatBytes } from '../firmware/format-bytes.ts';
import { Icon } from '../icons.tsx';
import { sentenceOf, titleOf } from '../failure.tsx';
import { bytesOfBase64, formatHex, formatValue, type ValueText } from '../values/format-value.ts';
import { besideNumber, unitSymbol } from '../values/unit-symbols.ts';
import classes from './bootstrap-page.module.css';
import { useDefinition } from './definitions.ts';
import { formatWords, OPERATION_WORDS, PACK_FORMATS, WRITE_FORMATS } from './words.ts';

interface PreviewPanelProps {
  readonly operations: readonly PreviewedOperation[] | undefined;
  /** The configuration has been changed since. */
  readonly isStale: boolean;
  readonly state: OperationState;
  readonly onPreview: (options: PreviewOptions) => void;
}

const NO_FORMAT = { value: '', label: 'Does not say' };
const FORMATS = [
  NO_FORMAT,
  ...WRITE_FORMATS.map(({ number, name }) => ({ value: String(number), label: `${name} (${number})` })),
];
const PACKS = [
  { value: '', label: 'One operation after the other' },
  ...PACK_FORMATS.map(({ number, name }) => ({ value: String(number), label: `A Bootstrap-Pack in ${name}` })),
];

export const PreviewPanel = ({ operations, isStale, state, onPreview }: PreviewPanelProps): JSX.Element => {
  const [opened, setOpened] = useState(false);
  const [discovered, setDiscovered] = useState('');
  const [contentFormat, setContentFormat] = useState('');
  const [pack, setPack] = useState('');
  const preview = (): void =>
    onPreview({
      ...(discovered.trim() === '' || pack !== '' ? {} : { discovered: discovered.trim() }),
      ...(contentFormat === '' || pack !== '' ? {} : { contentFormat: Number(contentFormat) }),
      ...(pack === '' ? {} : { pack: Number(pack) }),
    });
  return (
    <Paper withBorder p="md" component="section" aria-label="Preview" className={classes['beside']}>
      <Group justify="space-between" align="flex-start" mb="xs" wrap="nowrap">
        <div>
          <Title order={2} size="h5">
            Preview
          </Title>
          <Text className="quiet" size="sm">
            What the device would be asked, in this order.
          </Text>
        </div>
        <Button
          type="button"
          variant="light"
          size="sm"
          style={{ flexShrink: 0 }}
          leftSection={<Icon name="read" size={16} />}
          loading={state.kind === 'pending'}
          onClick={preview}
        >
          Preview
        </Button>
      </Group>
      <Button
        variant="subtle"
        size="compact-sm"
        aria-expanded={opened}
        rightSection={<Icon name={opened ? 'up' : 'down'} size={14} />}
        onClick={() => setOpened(!opened)}
      >
        For which device
      </Button>
      <Collapse expanded={opened} transitionDuration={0}>
        <Stack gap="sm" my="xs">
          <Select
            label="Given as"
            data={PACKS}
            value={pack}
            allowDeselect={false}
            onChange={(chosen) => setPack(chosen ?? '')}
          />
          {pack !== '' ? null : (
            <>
              <Select
                label="The format it prefers"
                description="pct of its Bootstrap-Request"
                data={FORMATS}
                value={contentFormat}
                allowDeselect={false}
                onChange={(chosen) => setContentFormat(chosen ?? '')}
              />
              <Textarea
                label="What it answers to Bootstrap-Discover"
                description="In link format; when empty, the device is taken not to answer"
                placeholder={'</>;lwm2m=1.1,</0/0>,</1/0>;ssid=1,</3/0>'}
                classNames={{ input: 'mono' }}
                autosize
                minRows={2}
                maxRows={8}
                spellCheck={false}
                value={discovered}
                onChange={(event) => setDiscovered(event.currentTarget.value)}
              />
            </>
          )}
        </Stack>
      </Collapse>
      {state.kind === 'refused' ? (
        <Alert color="red" role="alert" title={titleOf(state.error)} mt="xs">
          {sentenceOf(state.error)}
        </Alert>
      ) : null}
      {operations === undefined ? null : (
        <>
          {isStale ? (
            <Alert color="orange" mt="xs" p="xs" role="status">
              The configuration has been changed since.
            </Alert>
          ) : null}
          <Summary operations={operations} />
          <ol className={classes['operations']} aria-label="Operations">
            {operations.map((operation, index) => (
              <Operation key={index} operation={operation} />
            ))}
          </ol>
        </>
      )}
    </Paper>
  );
};

const Summary = ({ operations }: { readonly operations: readonly PreviewedOperation[] }): JSX.Element => {
  const bytes = operations.reduce((sum, operation) => sum + operation.bytes, 0);
  return (
    <Text size="sm" my="xs" role="status" className="numbers">
      {operations.length === 1 ? '1 operation' : `${operations.length} operations`}, {formatBytes(bytes)} of payload
    </Text>
  );
};

const Operation = ({ operation: shown }: { readonly operation: PreviewedOperation }): JSX.Element => {
  const { operation, path, contentFormat, bytes, values } = shown;
  const { method, name } = OPERATION_WORDS[operation];
  return (
    <li className={classes['operation']} data-testid={`operation-${operation}-${path}`}>
      <Group gap={8} align="baseline">
        <Text size="sm" fw={600} component="span">
          {name}
        </Text>
        <span className="mono numbers">
          {method} {path}
        </span>
        {bytes === 0 ? null : (
          <Text size="sm" className="quiet numbers" component="span">
            {formatBytes(bytes)}
            {contentFormat === null ? '' : ` ${formatWords(contentFormat)}`}
          </Text>
        )}
      </Group>
      {values.length === 0 ? null : (
        <ul className={classes['values']} aria-label={`Values of ${path}`}>
          {values.map((value) => (
            <Value key={value.path} value={value} />
          ))}
        </ul>
      )}
    </li>
  );
};

const HIDDEN_WORDS: Readonly<Record<NonNullable<PreviewedValue['hidden']>, string>> = {
  secret: 'a secret, not shown',
  generated: 'made for each bootstrap',
};

/** A PSK identity is bytes, and mostly the text of a name. */
const printable = (type: DataType, value: JsonValue): ValueText | undefined => {
  if (type !== 'opaque' || typeof value !== 'string') return undefined;
  const text = atob(value);
  return /^[\x20-\x7e]+$/.test(text) ? { short: `“${text}”`, full: formatHex(bytesOfBase64(value)) } : undefined;
};

const Value = ({ value: { path, value, hidden } }: { readonly value: PreviewedValue }): JSX.Element => {
  const { objectId = 0, resourceId } = parseNodePath(path) ?? {};
  const definition = useDefinition(objectId).data;
  const objectName = useObjectNames().get(objectId);
  const resource = definition?.resources.find((each) => each.resourceId === resourceId);
  const type =
    resource?.type ?? (typeof value === 'number' ? 'float' : typeof value === 'boolean' ? 'boolean' : 'string');
  const symbol = unitSymbol(resource?.units ?? '');
  const text = value === undefined ? undefined : (printable(type, value) ?? formatValue(type, value));
  return (
    <li data-testid={`previewed-${path}`}>
      <span className="mono numbers quiet">{path}</span>
      <span>
        {resource?.name ?? (resourceId === undefined ? (objectName ?? `Object ${objectId}`) : `Resource ${resourceId}`)}
      </span>
      <span className={classes['value']}>
        {hidden !== undefined ? (
          <em className="quiet">{HIDDEN_WORDS[hidden]}</em>
        ) : text === undefined ? (
          <em className="quiet">empty</em>
        ) : (
          <span className={type === 'opaque' ? 'mono' : 'numbers'} title={text.full}>
            {text.short}
            {symbol === '' ? null : <span className="quiet">{besideNumber(symbol)}</span>}
          </span>
        )}
      </span>
    </li>
  );
};
