/** Whatever else is written: Object Instances, single Resources, or all Object Instances of an Object, in this order. */
import { ActionIcon, Group, SegmentedControl, Select, Stack, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState, type JSX } from 'react';
import { api } from '../api/rest.ts';
import { DEFINITIONS } from '../devices/object-names.ts';
import { Icon } from '../icons.tsx';
import classes from './bootstrap-page.module.css';
import type { ObjectDraft, ObjectInstanceDraft } from './configuration-draft.ts';
import { useDefinition } from './definitions.ts';
import { newKey } from './draft-key.ts';
import { useFormScope, useMistake } from './form-scope.ts';
import { AddButton, Item, movedUp, replaced, Section, without } from './list-section.tsx';
import { pointerTo } from './mistakes.ts';
import { ResourcesEditor } from './resources-editor.tsx';
import { isId } from './resource-draft.ts';

interface ObjectsSectionProps {
  readonly objects: readonly ObjectDraft[];
  readonly onChange: (objects: readonly ObjectDraft[]) => void;
}

export const ObjectsSection = ({ objects, onChange }: ObjectsSectionProps): JSX.Element => (
  <Section
    title="Other Objects"
    description="Anything else the device is to have, written in this order."
    controls={
      <ObjectSelect
        onChosen={(objectId) =>
          onChange([...objects, { key: newKey(), as: 'objectInstance', objectId, objectInstances: [newInstance([])] }])
        }
      />
    }
  >
    {objects.map((object, index) => (
      <ObjectItem
        key={object.key}
        object={object}
        pointer={pointerTo('/objects', index)}
        onChange={(changed) => onChange(replaced(objects, changed))}
        onRemove={() => onChange(without(objects, object.key))}
        onUp={index === 0 ? undefined : () => onChange(movedUp(objects, index))}
      />
    ))}
  </Section>
);

const newInstance = (others: readonly ObjectInstanceDraft[]): ObjectInstanceDraft => {
  const taken = new Set(others.map(({ id }) => id.trim()));
  let id = 0;
  while (taken.has(String(id))) id++;
  return { key: newKey(), id: String(id), resources: [] };
};

/** Security, Server and Access Control have their own parts of the form. */
const OWN_PARTS = new Set([0, 1, 2]);

const ObjectSelect = ({ onChosen }: { readonly onChosen: (objectId: number) => void }): JSX.Element => {
  const [typed, setTyped] = useState('');
  const { data: definitions } = useQuery({
    queryKey: DEFINITIONS,
    queryFn: ({ signal }) => api.definitions(signal),
  });
  const names = new Map(
    (definitions?.items ?? []).map(({ objectId, name }) => [String(objectId), `${objectId} ${name}`] as const),
  );
  for (const objectId of OWN_PARTS) names.delete(String(objectId));
  const other = typed.trim();
  const isOther = isId(other) && !names.has(other) && !OWN_PARTS.has(Number(other));
  return (
    <Select
      aria-label="Add an Object"
      placeholder="Add an Object by its name or ID…"
      size="xs"
      w={320}
      maw="100%"
      searchable
      limit={50}
      leftSection={<Icon name="create" size={14} />}
      nothingFoundMessage="No such Object; type an ID to use one without a definition"
      data={[
        ...(isOther ? [{ value: other, label: `${other} (no definition is known)` }] : []),
        ...Array.from(names, ([value, label]) => ({ value, label })),
      ]}
      value={null}
      searchValue={typed}
      onSearchChange={setTyped}
      onChange={(chosen) => {
        if (chosen === null) return;
        setTyped('');
        onChosen(Number(chosen));
      }}
    />
  );
};

const AS_WORDS: readonly { readonly value: ObjectDraft['as']; readonly label: string }[] = [
  { value: 'objectInstance', label: 'An Object Instance' },
  { value: 'resource', label: 'One Resource' },
  { value: 'object', label: 'Several Object Instances' },
];

interface ObjectItemProps {
  readonly object: ObjectDraft;
  readonly pointer: string;
  readonly onChange: (object: ObjectDraft) => void;
  readonly onRemove: () => void;
  readonly onUp: (() => void) | undefined;
}

const ObjectItem = ({ object, pointer, onChange, onRemove, onUp }: ObjectItemProps): JSX.Element => {
  const { as, objectId, objectInstances } = object;
  const definition = useDefinition(objectId).data ?? undefined;
  const title = definition === undefined ? `Object ${objectId}` : `${definition.name} (${objectId})`;
  const wrong = useMistake(pointerTo(pointer, 'value')) ?? useMistake(pointerTo(pointer, 'resources'));
  const isWhole = as === 'object';
  const changeAs = (chosen: ObjectDraft['as']): void => {
    const [first = newInstance([])] = objectInstances;
    if (chosen === 'object') onChange({ ...object, as: chosen });
    else if (chosen === 'objectInstance') onChange({ ...object, as: chosen, objectInstances: [first] });
    else onChange({ ...object, as: chosen, objectInstances: [{ ...first, resources: first.resources.slice(0, 1) }] });
  };
  return (
    <Item name={title} pointer={pointer} onRemove={onRemove} onUp={onUp}>
      <SegmentedControl
        className={classes['choice']}
        size="xs"
        mb="sm"
        aria-label={`What is written of ${title}`}
        transitionDuration={0}
        data={AS_WORDS.filter(({ value }) => value !== 'object' || definition?.multiple !== false)}
        value={as}
        onChange={changeAs}
      />
      {wrong === undefined || as === 'resource' ? null : (
        <Text size="xs" c="var(--lapwing-alarm)" mb="xs">
          {wrong}
        </Text>
      )}
      <Stack gap="sm">
        {objectInstances.map((objectInstance) => {
          const id = objectInstance.id.trim();
          const path = `/${objectId}/${id}`;
          const below = isWhole ? pointerTo(pointer, 'objectInstances', id) : pointerTo(pointer, 'resources');
          return (
            <div key={objectInstance.key} className={isWhole ? classes['item'] : undefined}>
              <Group align="flex-end" mb="xs" gap="xs">
                <InstanceId
                  label={objectInstances.length === 1 ? 'Object Instance ID' : `Object Instance ID, ${path}`}
                  pointer={isWhole ? below : pointerTo(pointer, 'path')}
                  value={objectInstance.id}
                  onChange={(changed) =>
                    onChange({
                      ...object,
                      objectInstances: replaced(objectInstances, { ...objectInstance, id: changed }),
                    })
                  }
                />
                {isWhole && objectInstances.length > 1 ? (
                  <ActionIcon
                    variant="subtle"
                    color="gray"
                    c="inherit"
                    size={36}
                    aria-label={`Leave out ${path}`}
                    onClick={() =>
                      onChange({ ...object, objectInstances: without(objectInstances, objectInstance.key) })
                    }
                  >
                    <Icon name="remove" size={16} />
                  </ActionIcon>
                ) : null}
              </Group>
              <ResourcesEditor
                of={path}
                definition={definition}
                single={as === 'resource'}
                resources={objectInstance.resources}
                pointerOf={(resourceId) =>
                  as === 'resource' ? pointerTo(pointer, 'value') : pointerTo(below, resourceId)
                }
                onChange={(resources) =>
                  onChange({
                    ...object,
                    objectInstances: replaced(objectInstances, { ...objectInstance, resources }),
                  })
                }
              />
            </div>
          );
        })}
        {isWhole ? (
          <div>
            <AddButton
              onClick={() =>
                onChange({ ...object, objectInstances: [...objectInstances, newInstance(objectInstances)] })
              }
            >
              Another Object Instance
            </AddButton>
          </div>
        ) : null}
      </Stack>
    </Item>
  );
};

interface InstanceIdProps {
  readonly label: string;
  readonly pointer: string;
  readonly value: string;
  readonly onChange: (id: string) => void;
}

const InstanceId = ({ label, pointer, value, onChange }: InstanceIdProps): JSX.Element => (
  <TextInput
    label={label}
    w={220}
    inputMode="numeric"
    autoComplete="off"
    value={value}
    error={useFormScope().mistakes.at(pointer)}
    onChange={(event) => onChange(event.currentTarget.value)}
  />
);
