/** How a configuration is given: what is deleted and asked before, in which format, and to whom. */
import { SegmentedControl, Select, Switch, TagsInput, Text } from '@mantine/core';
import type { JSX } from 'react';
import classes from './bootstrap-page.module.css';
import type { ConfigurationDraft } from './configuration-draft.ts';
import { useFormScope, useMistake } from './form-scope.ts';
import { Section } from './list-section.tsx';
import { WRITE_FORMATS } from './words.ts';

interface DeliverySectionProps {
  readonly draft: ConfigurationDraft;
  readonly onChange: (changed: Partial<ConfigurationDraft>) => void;
}

const FORMATS = [
  { value: '', label: 'What the device prefers' },
  ...WRITE_FORMATS.map(({ number, name }) => ({ value: String(number), label: `${name} (${number})` })),
];
const VERSIONS = [
  { value: '', label: 'Not assumed' },
  { value: '1.0', label: '1.0' },
  { value: '1.1', label: '1.1' },
  { value: '1.2', label: '1.2' },
];

export const DeliverySection = ({ draft, onChange }: DeliverySectionProps): JSX.Element => {
  const wrongFormat = useMistake('/contentFormat');
  const wrongVersion = useMistake('/lwm2mVersion');
  return (
    <Section title="How it is given" description="As it is, this suits devices that follow the specification.">
      <div className={classes['fields']}>
        <PathsChoice
          label="Delete before"
          usual="Security and Server, so that only what is written here is left"
          pointer="/delete"
          paths={draft.delete}
          first={['/0', '/1']}
          none="Nothing is deleted."
          onChange={(paths) => onChange({ delete: paths })}
        />
        <PathsChoice
          label="Discover before"
          usual="Everything the device has, so that it is not needlessly deleted or overwritten"
          pointer="/discover"
          paths={draft.discover}
          first={['/']}
          none="The device is not asked what it has."
          onChange={(paths) => onChange({ discover: paths })}
        />
        <div className={classes['wide']}>
          <Paths
            label="Read before"
            description="Objects or Object Instances of Server (1) and Access Control (2), from LwM2M 1.1 on"
            pointer="/read"
            paths={draft.read}
            onChange={(read) => onChange({ read })}
          />
        </div>
        <Select
          label="Content format"
          data={FORMATS}
          value={draft.contentFormat}
          allowDeselect={false}
          error={wrongFormat}
          onChange={(chosen) => onChange({ contentFormat: chosen ?? '' })}
        />
        <Select
          label="LwM2M version"
          description="Of a device that does not tell"
          data={VERSIONS}
          value={draft.lwm2mVersion}
          allowDeselect={false}
          error={wrongVersion}
          onChange={(chosen) => onChange({ lwm2mVersion: (chosen ?? '') as ConfigurationDraft['lwm2mVersion'] })}
        />
        <div className={classes['wide']}>
          <Switch
            label="As a Bootstrap-Pack too"
            description="A device of LwM2M 1.2 that asks for a pack gets everything in one answer."
            checked={draft.pack}
            onChange={(event) => onChange({ pack: event.currentTarget.checked })}
          />
          <Switch
            mt="sm"
            label="Over coaps only"
            description="A device that comes over plain CoAP is refused."
            checked={draft.secureOnly}
            onChange={(event) => onChange({ secureOnly: event.currentTarget.checked })}
          />
        </div>
      </div>
    </Section>
  );
};

interface PathsChoiceProps {
  readonly label: string;
  readonly usual: string;
  readonly pointer: string;
  /** Undefined: what is usual. */
  readonly paths: readonly string[] | undefined;
  /** What is offered first. */
  readonly first: readonly string[];
  readonly none: string;
  readonly onChange: (paths: readonly string[] | undefined) => void;
}

const PathsChoice = ({ label, usual, pointer, paths, first, none, onChange }: PathsChoiceProps): JSX.Element => (
  <div className={classes['wide']}>
    <Text size="sm" fw={500} mb={4}>
      {label}
    </Text>
    <SegmentedControl
      className={classes['choice']}
      size="xs"
      aria-label={label}
      transitionDuration={0}
      data={[
        { value: 'usual', label: 'As usual' },
        { value: 'these', label: 'These paths' },
        { value: 'nothing', label: 'Nothing' },
      ]}
      value={paths === undefined ? 'usual' : paths.length === 0 ? 'nothing' : 'these'}
      onChange={(chosen) => onChange(chosen === 'usual' ? undefined : chosen === 'nothing' ? [] : first)}
    />
    {paths === undefined || paths.length === 0 ? (
      <Text size="xs" className="quiet" mt={4}>
        {paths === undefined ? `${usual}.` : none}
      </Text>
    ) : (
      <Paths label={`Paths: ${label.toLowerCase()}`} pointer={pointer} paths={paths} onChange={onChange} />
    )}
  </div>
);

interface PathsProps {
  readonly label: string;
  readonly description?: string;
  readonly pointer: string;
  readonly paths: readonly string[];
  readonly onChange: (paths: readonly string[]) => void;
}

const Paths = ({ pointer, paths, onChange, ...rest }: PathsProps): JSX.Element => (
  <TagsInput
    {...rest}
    placeholder="/3303/0"
    acceptValueOnBlur
    splitChars={[',', ' ']}
    value={[...paths]}
    error={useFormScope().mistakes.within(pointer)}
    onChange={onChange}
  />
);
