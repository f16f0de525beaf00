/** Write-Attributes: each attribute is set, unset or left as it is. */
import { Checkbox, Group, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { useState, type JSX } from 'react';
import { useAttributes, useDeviceScope } from '../device-scope.ts';
import { showDone, useOperation } from '../operation.ts';
import { DialogFrame } from './dialog-frame.tsx';

interface AttributesDialogProps {
  readonly path: string;
  readonly name: string;
  readonly onClose: () => void;
}

interface AttributeField {
  readonly key: string;
  readonly label: string;
  readonly pattern: RegExp;
  /** Said when what was typed does not fit. */
  readonly wanted: string;
  /** For Resources only. */
  readonly value: boolean;
}

const WHOLE = /^\d+$/;
const NUMBER = /^-?\d+(\.\d+)?(e-?\d+)?$/i;
const BIT = /^[01]$/;

/** OMA LwM2M Core, <NOTIFICATION> class attributes. */
const FIELDS: readonly AttributeField[] = [
  { key: 'pmin', label: 'Minimum period, s', pattern: WHOLE, wanted: 'whole seconds', value: false },
  { key: 'pmax', label: 'Maximum period, s', pattern: WHOLE, wanted: 'whole seconds', value: false },
  { key: 'gt', label: 'Greater than', pattern: NUMBER, wanted: 'a number', value: true },
  { key: 'lt', label: 'Less than', pattern: NUMBER, wanted: 'a number', value: true },
  { key: 'st', label: 'Step', pattern: /^\d+(\.\d+)?$/, wanted: 'a number, not negative', value: true },
  { key: 'epmin', label: 'Minimum evaluation period, s', pattern: WHOLE, wanted: 'whole seconds', value: false },
  { key: 'epmax', label: 'Maximum evaluation period, s', pattern: WHOLE, wanted: 'whole seconds', value: false },
  { key: 'edge', label: 'Edge: 0 falling, 1 rising', pattern: BIT, wanted: '0 or 1', value: true },
  { key: 'con', label: 'Confirmable: 0 or 1', pattern: BIT, wanted: '0 or 1', value: false },
  { key: 'hqmax', label: 'Historical queue, values', pattern: WHOLE, wanted: 'a whole number', value: false },
];

type Change = { readonly kind: 'leave' } | { readonly kind: 'set'; readonly text: string } | { readonly kind: 'unset' };
const LEAVE: Change = { kind: 'leave' };

export const AttributesDialog = ({ path, name, onClose }: AttributesDialogProps): JSX.Element => {
  const { operations } = useDeviceScope();
  const known = useAttributes(path);
  const [changes, setChanges] = useState<Readonly<Record<string, Change>>>({});
  const { state, run } = useOperation();
  const isResource = path.split('/').length > 3;
  const fields = FIELDS.filter(({ value }) => isResource || !value);

  const wrong = ({ key, pattern, wanted }: AttributeField): string | undefined => {
    const change = changes[key] ?? LEAVE;
    return change.kind === 'set' && !pattern.test(change.text.trim()) ? `${wanted} is needed.` : undefined;
  };
  const body: Record<string, number | null> = {};
  for (const { key } of fields) {
    const change = changes[key] ?? LEAVE;
    if (change.kind === 'set') body[key] = Number(change.text.trim());
    if (change.kind === 'unset') body[key] = null;
  }
  const ready = Object.keys(body).length > 0 && fields.every((field) => wrong(field) === undefined);
  const change = (key: string, to: Change): void => setChanges({ ...changes, [key]: to });

  return (
    <DialogFrame
      path={path}
      state={state}
      submit="Write attributes"
      onClose={onClose}
      onSubmit={() => {
        if (!ready) return;
        run(
          () => operations.writeAttributes(path, body),
          () => {
            showDone(`The attributes of ${name} were written.`);
            onClose();
          },
        );
      }}
    >
      <Text size="sm">They say when the device notifies. What is left empty stays as it is.</Text>
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="md" verticalSpacing="sm">
        {fields.map((field, index) => {
          const { key, label } = field;
          const current = changes[key] ?? LEAVE;
          return (
            <Stack key={key} gap={4}>
              <TextInput
                label={`${label} (${key})`}
                inputMode="decimal"
                autoComplete="off"
                placeholder={known?.[key] === undefined ? '' : `now ${known[key]}`}
                value={current.kind === 'set' ? current.text : ''}
                disabled={current.kind === 'unset'}
                error={wrong(field)}
                data-autofocus={index === 0 || undefined}
                onChange={(event) => {
                  const text = event.currentTarget.value;
                  change(key, text === '' ? LEAVE : { kind: 'set', text });
                }}
              />
              <Group>
                <Checkbox
                  size="xs"
                  label="Unset"
                  aria-label={`Unset ${key}`}
                  checked={current.kind === 'unset'}
                  onChange={(event) => change(key, event.currentTarget.checked ? { kind: 'unset' } : LEAVE)}
                />
              </Group>
            </Stack>
          );
        })}
      </SimpleGrid>
    </DialogFrame>
  );
};
