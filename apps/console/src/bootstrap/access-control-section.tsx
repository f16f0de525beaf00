/** Access Control Object Instances: which server may do what with which Object Instance. OMA TS Core §8.2. */
import { ActionIcon, Checkbox, Group, Stack, Text } from '@mantine/core';
import type { JSX } from 'react';
import { useObjectNames } from '../devices/object-names.ts';
import { Icon } from '../icons.tsx';
import classes from './bootstrap-page.module.css';
import { RIGHTS, type AccessControlDraft, type RightsDraft } from './configuration-draft.ts';
import { newKey } from './draft-key.ts';
import { TextField } from './fields.tsx';
import { useMistake } from './form-scope.ts';
import { AddButton, Item, replaced, Section, without } from './list-section.tsx';
import { pointerTo } from './mistakes.ts';

interface AccessControlSectionProps {
  readonly settings: readonly AccessControlDraft[];
  readonly onChange: (settings: readonly AccessControlDraft[]) => void;
  readonly firstShortServerId: string;
}

export const AccessControlSection = ({
  settings,
  onChange,
  firstShortServerId,
}: AccessControlSectionProps): JSX.Element => (
  <Section
    title="Access Control"
    description="With several servers: which of them owns an Object Instance, and what the others may do with it."
    controls={
      <AddButton
        onClick={() =>
          onChange([
            ...settings,
            {
              key: newKey(),
              objectId: '',
              objectInstanceId: '0',
              owner: firstShortServerId,
              rights: [],
              accessControlObjectInstanceId: '',
            },
          ])
        }
      >
        Add access rights
      </AddButton>
    }
  >
    {settings.map((setting, index) => (
      <Item
        key={setting.key}
        name={`Access Control ${index + 1}`}
        pointer={pointerTo('/accessControl', index)}
        onRemove={() => onChange(without(settings, setting.key))}
      >
        <SettingFields
          name={`Access Control ${index + 1}`}
          pointer={pointerTo('/accessControl', index)}
          setting={setting}
          onChange={(changed) => onChange(replaced(settings, changed))}
        />
      </Item>
    ))}
  </Section>
);

interface SettingFieldsProps {
  readonly name: string;
  readonly pointer: string;
  readonly setting: AccessControlDraft;
  readonly onChange: (setting: AccessControlDraft) => void;
}

const SettingFields = ({ name, pointer, setting, onChange }: SettingFieldsProps): JSX.Element => {
  const names = useObjectNames();
  const at = (member: keyof AccessControlDraft): string => pointerTo(pointer, member);
  const wrongRights = useMistake(at('rights'));
  const change = (changed: Partial<AccessControlDraft>): void => onChange({ ...setting, ...changed });
  const isCreate = setting.objectInstanceId === 'create';
  const objectName = names.get(Number(setting.objectId));
  const addRights = (): void => {
    const has = new Set(setting.rights.map(({ shortServerId }) => shortServerId));
    change({
      rights: [...setting.rights, { key: newKey(), shortServerId: has.has('0') ? '' : '0', letters: 'r' }],
    });
  };
  return (
    <div className={classes['fields']}>
      <TextField
        label="Object ID"
        description={setting.objectId.trim() === '' ? 'Like 3, Device' : (objectName ?? 'Not in the registry')}
        pointer={at('objectId')}
        numeric
        required
        value={setting.objectId}
        onChange={(objectId) => change({ objectId })}
      />
      <div>
        {isCreate ? null : (
          <TextField
            label="Object Instance ID"
            pointer={at('objectInstanceId')}
            numeric
            required
            value={setting.objectInstanceId}
            onChange={(objectInstanceId) => change({ objectInstanceId })}
          />
        )}
        <Checkbox
          mt={6}
          size="xs"
          label="The right to create Object Instances"
          checked={isCreate}
          onChange={(event) => change({ objectInstanceId: event.currentTarget.checked ? 'create' : '0' })}
        />
      </div>
      <TextField
        label="Owner"
        description="A Short Server ID; 65535: only the Bootstrap-Server"
        pointer={at('owner')}
        numeric
        required
        value={setting.owner}
        onChange={(owner) => change({ owner })}
      />
      <div className={classes['wide']}>
        <Text size="sm" fw={500} mb={4}>
          Rights
        </Text>
        <Stack gap={8}>
          {setting.rights.length === 0 ? (
            <Text size="xs" className="quiet">
              None are listed: the owner may do everything, others nothing.
            </Text>
          ) : null}
          {setting.rights.map((rights) => (
            <RightsFields
              key={rights.key}
              of={name}
              pointer={at('rights')}
              rights={rights}
              onChange={(changed) => change({ rights: replaced(setting.rights, changed) })}
              onRemove={() => change({ rights: without(setting.rights, rights.key) })}
            />
          ))}
          {wrongRights === undefined ? null : (
            <Text size="xs" c="var(--lapwing-alarm)">
              {wrongRights}
            </Text>
          )}
          <div>
            <AddButton onClick={addRights}>Add rights of a server</AddButton>
          </div>
        </Stack>
      </div>
    </div>
  );
};

const RIGHT_WORDS: Readonly<Record<string, string>> = {
  r: 'Read',
  w: 'Write',
  e: 'Execute',
  d: 'Delete',
  c: 'Create',
};

interface RightsFieldsProps {
  readonly of: string;
  readonly pointer: string;
  readonly rights: RightsDraft;
  readonly onChange: (rights: RightsDraft) => void;
  readonly onRemove: () => void;
}

const RightsFields = ({ of, pointer, rights, onChange, onRemove }: RightsFieldsProps): JSX.Element => {
  const { shortServerId, letters } = rights;
  const whose = shortServerId.trim() === '0' ? 'all other servers' : `server ${shortServerId}`;
  return (
    <Group gap="sm" align="flex-end">
      <div style={{ width: 150 }}>
        <TextField
          label="Short Server ID"
          description={shortServerId.trim() === '0' ? 'All that are not named' : ''}
          pointer={pointerTo(pointer, shortServerId)}
          numeric
          value={shortServerId}
          onChange={(changed) => onChange({ ...rights, shortServerId: changed })}
        />
      </div>
      <Group gap="sm" role="group" aria-label={`Rights of ${whose} in ${of}`} pb={8}>
        {Array.from(RIGHTS, (letter) => (
          <Checkbox
            key={letter}
            label={RIGHT_WORDS[letter]}
            checked={letters.includes(letter)}
            onChange={(event) => {
              const has = event.currentTarget.checked;
              const changed = Array.from(RIGHTS).filter((each) => (each === letter ? has : letters.includes(each)));
              onChange({ ...rights, letters: changed.join('') });
            }}
          />
        ))}
        <ActionIcon
          variant="subtle"
          color="gray"
          c="inherit"
          aria-label={`Leave out the rights of ${whose} in ${of}`}
          onClick={onRemove}
        >
          <Icon name="remove" size={16} />
        </ActionIcon>
      </Group>
    </Group>
  );
};
