/** Resources with their values: added by name, typed as their definition says, taken out again. */
import { ActionIcon, Button, Group, Input, NumberInput, Select, Stack, Text, TextInput } from '@mantine/core';
import { useState, type JSX } from 'react';
import type { DataType, ObjectDefinition, ResourceDefinition } from '../api/shapes.ts';
import { ValueInput } from '../device/value-input.tsx';
import { Icon } from '../icons.tsx';
import { draftOf } from '../values/parse-value.ts';
import { useFormScope } from './form-scope.ts';
import { pointerTo } from './mistakes.ts';
import { emptyResource, isId, type ResourceDraft, type ValueDraft } from './resource-draft.ts';

interface ResourcesEditorProps {
  /** "Object Instance /3/0": what the Resources belong to. */
  readonly of: string;
  readonly definition: ObjectDefinition | undefined;
  /** Which of the definition's Resources may be given; default: all that have a value. */
  readonly only?: ReadonlyMap<number, string>;
  /** One at most. */
  readonly single?: boolean;
  readonly resources: readonly ResourceDraft[];
  readonly onChange: (resources: readonly ResourceDraft[]) => void;
  /** Where the value of a Resource is in the configuration. */
  readonly pointerOf: (resourceId: number) => string;
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

export const ResourcesEditor = (props: ResourcesEditorProps): JSX.Element => {
  const { of, definition, only, single = false, resources, onChange, pointerOf } = props;
  const change = (changed: ResourceDraft): void =>
    onChange(resources.map((each) => (each.resourceId === changed.resourceId ? changed : each)));
  const mayAdd = !single || resources.length === 0;
  return (
    <Stack gap="sm">
      {resources.map((resource) => (
        <ResourceEditor
          key={resource.resourceId}
          of={of}
          defined={definition?.resources.find(({ resourceId }) => resourceId === resource.resourceId)}
          resource={resource}
          pointer={pointerOf(resource.resourceId)}
          onChange={change}
          onRemove={() => onChange(resources.filter(({ resourceId }) => resourceId !== resource.resourceId))}
        />
      ))}
      {!mayAdd ? null : definition === undefined ? (
        <AddUndefined of={of} resources={resources} onAdd={(added) => onChange([...resources, added])} />
      ) : (
        <AddDefined
          of={of}
          definition={definition}
          only={only}
          resources={resources}
          onAdd={(added) => onChange([...resources, added])}
        />
      )}
    </Stack>
  );
};

interface AddProps {
  readonly of: string;
  readonly resources: readonly ResourceDraft[];
  readonly onAdd: (resource: ResourceDraft) => void;
}

interface AddDefinedProps extends AddProps {
  readonly definition: ObjectDefinition;
  readonly only: ReadonlyMap<number, string> | undefined;
}

const AddDefined = ({ of, definition, only, resources, onAdd }: AddDefinedProps): JSX.Element | null => {
  const taken = new Set(resources.map(({ resourceId }) => resourceId));
  const offered = definition.resources.filter(
    ({ resourceId, type }) => type !== 'none' && !taken.has(resourceId) && (only === undefined || only.has(resourceId)),
  );
  if (offered.length === 0) return null;
  return (
    <Select
      aria-label={`Add a Resource of ${of}`}
      placeholder="Add a Resource…"
      size="xs"
      maw={360}
      searchable
      leftSection={<Icon name="create" size={14} />}
      nothingFoundMessage="No such Resource"
      data={offered.map(({ resourceId, name }) => ({ value: String(resourceId), label: `${resourceId} ${name}` }))}
      value={null}
      onChange={(chosen) => {
        const resource = offered.find(({ resourceId }) => String(resourceId) === chosen);
        if (resource !== undefined) onAdd(emptyResource(resource.resourceId, resource));
      }}
    />
  );
};

const AddUndefined = ({ of, resources, onAdd }: AddProps): JSX.Element => {
  const [id, setId] = useState<string | number>('');
  const [type, setType] = useState<DataType>('string');
  const isTaken = resources.some(({ resourceId }) => resourceId === id);
  return (
    <Group gap="xs" align="flex-end">
      <NumberInput
        size="xs"
        w={110}
        label="Resource ID"
        aria-label={`Resource ID to add to ${of}`}
        min={0}
        max={65_534}
        hideControls
        value={id}
        error={isTaken ? 'It is there' : undefined}
        onChange={setId}
      />
      <Select
        size="xs"
        w={130}
        label="Data type"
        data={TYPES}
        value={type}
        allowDeselect={false}
        onChange={(chosen) => setType(TYPES.find((each) => each === chosen) ?? type)}
      />
      <Button
        size="xs"
        variant="light"
        disabled={typeof id !== 'number' || isTaken}
        onClick={() => {
          if (typeof id !== 'number') return;
          onAdd(emptyResource(id, { type, multiple: false }));
          setId('');
        }}
      >
        Add
      </Button>
    </Group>
  );
};

interface ResourceEditorProps {
  readonly of: string;
  readonly defined: ResourceDefinition | undefined;
  readonly resource: ResourceDraft;
  readonly pointer: string;
  readonly onChange: (resource: ResourceDraft) => void;
  readonly onRemove: () => void;
}

const ResourceEditor = (props: ResourceEditorProps): JSX.Element => {
  const { of, defined, resource, pointer, onChange, onRemove } = props;
  const { mistakes, strict } = useFormScope();
  const { resourceId, type, multiple, values, kept } = resource;
  const name = defined?.name ?? `Resource ${resourceId}`;
  const label = `${name} (${resourceId})`;
  const setDraft = (index: number, changed: Partial<ValueDraft>): void =>
    onChange({ ...resource, values: values.map((each, at) => (at === index ? { ...each, ...changed } : each)) });
  const input = (index: number, valueLabel: string, at: string): JSX.Element => (
    <ValueInput
      label={valueLabel}
      type={type}
      range={defined?.range ?? ''}
      units={defined?.units ?? ''}
      draft={values[index]?.draft ?? draftOf(type, undefined)}
      strict={strict}
      mistake={mistakes.at(at)}
      onChange={(draft) => setDraft(index, { draft })}
    />
  );
  return (
    <Group align="flex-start" wrap="nowrap" gap="xs">
      <div style={{ flex: 1, minWidth: 0 }}>
        {kept ? (
          <Input.Wrapper label={label} labelElement="div">
            <Group gap="xs">
              <Text size="sm" className="quiet">
                Stored, and not shown
              </Text>
              <Button
                size="compact-xs"
                variant="light"
                aria-label={`Replace: ${label}`}
                onClick={() => onChange({ ...resource, kept: false })}
              >
                Replace
              </Button>
            </Group>
          </Input.Wrapper>
        ) : multiple ? (
          <Instances
            label={label}
            type={type}
            values={values}
            strict={strict}
            input={(index, id) => input(index, `${label}, instance ${id}`, pointerTo(pointer, id))}
            setId={(index, id) => setDraft(index, { id })}
            onChange={(changed) => onChange({ ...resource, values: changed })}
          />
        ) : (
          input(0, label, pointer)
        )}
      </div>
      <ActionIcon
        variant="subtle"
        color="gray"
        c="inherit"
        mt={4}
        aria-label={`Take ${label} out of ${of}`}
        onClick={onRemove}
      >
        <Icon name="remove" size={16} />
      </ActionIcon>
    </Group>
  );
};

interface InstancesProps {
  readonly label: string;
  readonly type: DataType;
  readonly values: readonly ValueDraft[];
  readonly strict: boolean;
  readonly input: (index: number, id: string) => JSX.Element;
  readonly setId: (index: number, id: string) => void;
  readonly onChange: (values: readonly ValueDraft[]) => void;
}

const Instances = ({ label, type, values, strict, input, setId, onChange }: InstancesProps): JSX.Element => {
  const add = (): void => {
    const next = Math.max(-1, ...values.map(({ id }) => (isId(id) ? Number(id) : -1))) + 1;
    onChange([...values, { id: String(next), draft: draftOf(type, undefined) }]);
  };
  return (
    <Stack gap={6}>
      {values.length === 0 ? (
        <Text size="sm">
          {label} <span className="quiet">without Resource Instances</span>
        </Text>
      ) : null}
      {values.map(({ id }, index) => (
        <Group key={index} align="flex-end" wrap="nowrap" gap="xs">
          <TextInput
            w={80}
            label="Instance"
            aria-label={`Instance ID of ${label}, instance ${id}`}
            inputMode="numeric"
            value={id}
            error={strict && (!isId(id) || values.some((each, at) => at < index && each.id === id))}
            onChange={(event) => setId(index, event.currentTarget.value)}
          />
          <div style={{ flex: 1 }}>{input(index, id)}</div>
          <ActionIcon
            variant="subtle"
            color="gray"
            c="inherit"
            size={36}
            aria-label={`Leave out instance ${id} of ${label}`}
            onClick={() => onChange(values.filter((_, at) => at !== index))}
          >
            <Icon name="remove" size={16} />
          </ActionIcon>
        </Group>
      ))}
      <div>
        <Button
          variant="subtle"
          size="compact-xs"
          leftSection={<Icon name="create" size={12} />}
          aria-label={`Another Resource Instance of ${label}`}
          onClick={add}
        >
          Another Resource Instance
        </Button>
      </div>
    </Stack>
  );
};
