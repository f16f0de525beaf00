/** Write one Resource: a value, or the Resource Instances of a multiple one. */
import { ActionIcon, Button, Group, SegmentedControl, Select, Stack, TextInput } from '@mantine/core';
import { useState, type JSX } from 'react';
import type { DataType, JsonValue, ResourceDefinition } from '../../api/shapes.ts';
import { Icon } from '../../icons.tsx';
import type { ResourceSnapshot } from '../../live/device-values.ts';
import { draftOf, parseDraft, type Draft } from '../../values/parse-value.ts';
import { useDeviceScope } from '../device-scope.ts';
import { showDone, showRefusal, useOperation } from '../operation.ts';
import { ValueInput } from '../value-input.tsx';
import { DialogFrame } from './dialog-frame.tsx';

interface WriteDialogProps {
  readonly path: string;
  readonly name: string;
  readonly resource: ResourceDefinition | undefined;
  readonly onClose: () => void;
}

interface InstanceDraft {
  readonly id: string;
  readonly draft: Draft;
}

const TYPES: readonly DataType[] = [
  'string',
  'integer',
  'unsigned',
  'float',
  'boolean',
  'opaque',
  'time',
  'objlnk',
  'corelnk',
];

const firstType = (resource: ResourceDefinition | undefined, snapshot: ResourceSnapshot | undefined): DataType => {
  if (resource !== undefined) return resource.type;
  if (snapshot === undefined) return 'string';
  if (snapshot.kind === 'single') return snapshot.seen.type;
  return [...snapshot.instances.values()][0]?.type ?? 'string';
};

const firstInstances = (type: DataType, snapshot: ResourceSnapshot | undefined): readonly InstanceDraft[] => {
  if (snapshot?.kind === 'multiple' && snapshot.instances.size > 0) {
    return Array.from(snapshot.instances, ([id, seen]) => ({ id: String(id), draft: draftOf(type, seen.value) }));
  }
  return [{ id: '0', draft: draftOf(type, undefined) }];
};

const isInstanceId = (text: string): boolean => /^\d{1,5}$/.test(text) && Number(text) < 65_535;

export const WriteDialog = ({ path, name, resource, onClose }: WriteDialogProps): JSX.Element => {
  const { values, operations } = useDeviceScope();
  const [snapshot] = useState(() => values.resource(path));
  const multiple = resource?.multiple ?? snapshot?.kind === 'multiple';
  const [type, setType] = useState(() => firstType(resource, snapshot));
  const [draft, setDraft] = useState<Draft>(() =>
    draftOf(type, snapshot?.kind === 'single' ? snapshot.seen.value : undefined),
  );
  const [instances, setInstances] = useState(() => firstInstances(type, snapshot));
  const [mode, setMode] = useState<'replace' | 'update'>('replace');
  const [strict, setStrict] = useState(false);
  const { state, run } = useOperation();

  const send = (body: { readonly value: JsonValue } | { readonly values: Record<string, JsonValue> }): void =>
    run(
      () => operations.write(path, resource === undefined ? { ...body, type } : body, multiple ? mode : 'replace'),
      () => {
        showDone(`${name} was written.`);
        onClose();
        // What the device made of it. Its refusal to be read is told, the Write stands.
        if (resource?.operations !== 'W') {
          operations.read(path).catch((error: unknown) => showRefusal(`Read ${path}`, error));
        }
      },
    );

  const submit = (): void => {
    setStrict(true);
    if (!multiple) {
      const parsed = parseDraft(type, draft);
      if (parsed.ok) send({ value: parsed.value });
      return;
    }
    const body: Record<string, JsonValue> = {};
    for (const { id, draft: instanceDraft } of instances) {
      const parsed = parseDraft(type, instanceDraft);
      if (!parsed.ok || !isInstanceId(id) || id in body) return;
      body[id] = parsed.value;
    }
    send({ values: body });
  };

  const change = (index: number, changed: Partial<InstanceDraft>): void =>
    setInstances(instances.map((each, at) => (at === index ? { ...each, ...changed } : each)));
  const add = (): void => {
    const next = Math.max(-1, ...instances.map(({ id }) => (isInstanceId(id) ? Number(id) : -1))) + 1;
    setInstances([...instances, { id: String(next), draft: draftOf(type, undefined) }]);
  };

  return (
    <DialogFrame path={path} state={state} submit="Write" onSubmit={submit} onClose={onClose}>
      {resource === undefined ? (
        <Select
          label="Data type"
          description="No definition of this Object is known."
          data={TYPES}
          value={type}
          allowDeselect={false}
          onChange={(chosen) => {
            const wanted = TYPES.find((each) => each === chosen) ?? type;
            setType(wanted);
            setDraft(draftOf(wanted, undefined));
            setInstances(firstInstances(wanted, undefined));
          }}
        />
      ) : null}
      {multiple ? (
        <Stack gap="xs">
          {instances.map(({ id, draft: instanceDraft }, index) => (
            <Group key={index} align="flex-end" wrap="nowrap" gap="xs">
              <TextInput
                w={76}
                label="Instance"
                inputMode="numeric"
                value={id}
                error={strict && (!isInstanceId(id) || instances.some((each, at) => at < index && each.id === id))}
                onChange={(event) => change(index, { id: event.currentTarget.value })}
              />
              <div style={{ flex: 1 }}>
                <ValueInput
                  label={`Value of instance ${id}`}
                  type={type}
                  range={resource?.range ?? ''}
                  units={resource?.units ?? ''}
                  draft={instanceDraft}
                  strict={strict}
                  autoFocus={index === 0}
                  onChange={(changed) => change(index, { draft: changed })}
                />
              </div>
              <ActionIcon
                variant="subtle"
                color="gray"
                size={36}
                aria-label={`Leave out instance ${id}`}
                onClick={() => setInstances(instances.filter((_, at) => at !== index))}
              >
                <Icon name="remove" />
              </ActionIcon>
            </Group>
          ))}
          <Group justify="space-between">
            <Button variant="subtle" size="compact-sm" leftSection={<Icon name="create" size={14} />} onClick={add}>
              Another Resource Instance
            </Button>
            <SegmentedControl
              size="xs"
              aria-label="Mode"
              value={mode}
              onChange={(chosen) => setMode(chosen === 'update' ? 'update' : 'replace')}
              data={[
                { value: 'replace', label: 'Replace all' },
                { value: 'update', label: 'Update these' },
              ]}
            />
          </Group>
        </Stack>
      ) : (
        <ValueInput
          label="Value"
          type={type}
          range={resource?.range ?? ''}
          units={resource?.units ?? ''}
          draft={draft}
          strict={strict}
          autoFocus
          onChange={setDraft}
        />
      )}
    </DialogFrame>
  );
};
