/** Write-Attributes: each attribute is set, unset or left as it is. */
import { Alert, Checkbox, Group, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState, type JSX } from 'react';
import { api } from '../../api/rest.ts';
import type { NodeAttributes } from '../../api/shapes.ts';
import { Failure } from '../../failure.tsx';
import { useDeviceScope } from '../device-scope.ts';
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

/** What holds now: set here, or come from a node above. */
const describe = (attributes: NodeAttributes | undefined, key: string): string => {
  if (attributes === undefined) return 'asking the device …';
  const own = attributes.own[key];
  const nearest = attributes.inherited.find((each) => each.attributes[key] !== undefined);
  const inherited = nearest === undefined ? '' : `${nearest.attributes[key]} from ${nearest.path}`;
  if (own !== undefined) return inherited === '' ? `own: ${own}` : `own: ${own}, in place of ${inherited}`;
  return inherited === '' ? 'not set' : `inherited: ${inherited}`;
};

/** Why the values do not go together, those that are set already among them. OMA TS Core §7.3.2. */
const contradiction = (
  own: NodeAttributes['own'],
  body: Readonly<Record<string, number | null>>,
): string | undefined => {
  const value = (key: string): number | undefined => {
    if (key in body) return body[key] ?? undefined;
    return own[key] === undefined ? undefined : Number(own[key]);
  };
  const [lt, gt, st, epmin, epmax] = [value('lt'), value('gt'), value('st'), value('epmin'), value('epmax')];
  if (lt !== undefined && gt !== undefined && lt >= gt) return 'Less than (lt) must be below Greater than (gt).';
  if (lt !== undefined && gt !== undefined && st !== undefined && lt + 2 * st >= gt)
    return 'Two steps (st) must fit between Less than (lt) and Greater than (gt).';
  if (epmin !== undefined && epmax !== undefined && epmin >= epmax)
    return 'The minimum evaluation period (epmin) must be below the maximum (epmax).';
  return undefined;
};

export const AttributesDialog = ({ path, name, onClose }: AttributesDialogProps): JSX.Element => {
  const { name: device, operations } = useDeviceScope();
  const attributes = useQuery({
    queryKey: ['attributes', device, path],
    queryFn: () => api.attributes(device, path),
    staleTime: 0,
    gcTime: 0,
    retry: false,
  });
  const current = attributes.data;
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
  const conflict = contradiction(current?.own ?? {}, body);
  const ready =
    conflict === undefined && Object.keys(body).length > 0 && fields.every((field) => wrong(field) === undefined);
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
      {attributes.isError ? <Failure error={attributes.error} retry={() => void attributes.refetch()} /> : null}
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="md" verticalSpacing="sm">
        {fields.map((field, index) => {
          const { key, label } = field;
          const choice = changes[key] ?? LEAVE;
          return (
            <Stack key={key} gap={4}>
              <TextInput
                label={`${label} (${key})`}
                inputMode="decimal"
                autoComplete="off"
                description={describe(current, key)}
                value={choice.kind === 'set' ? choice.text : ''}
                disabled={choice.kind === 'unset'}
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
                  checked={choice.kind === 'unset'}
                  onChange={(event) => change(key, event.currentTarget.checked ? { kind: 'unset' } : LEAVE)}
                />
              </Group>
            </Stack>
          );
        })}
      </SimpleGrid>
      {conflict === undefined ? null : (
        <Alert color="orange" role="alert">
          {conflict}
        </Alert>
      )}
    </DialogFrame>
  );
};
