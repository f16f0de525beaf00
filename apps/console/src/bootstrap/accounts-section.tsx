/** Accounts: with any number of LwM2M Servers, and with the Bootstrap-Server in place of the one the device has. */
import { Button, Collapse, SegmentedControl, Text } from '@mantine/core';
import { useId, useState, type JSX, type ReactNode } from 'react';
import type { ServerUris } from '../api/bootstrap-shapes.ts';
import { Icon } from '../icons.tsx';
import {
  newBootstrapServer,
  newServer,
  type BootstrapServerDraft,
  type SecurityDraft,
  type ServerDraft,
} from './account-draft.ts';
import { SECURITY_NAMES, SERVER_NAMES, type NamedDraft } from './account-resources.ts';
import classes from './bootstrap-page.module.css';
import { useDefinition } from './definitions.ts';
import { TextField } from './fields.tsx';
import { useFormScope } from './form-scope.ts';
import { AddButton, Item, replaced, Section, without } from './list-section.tsx';
import { pointerTo } from './mistakes.ts';
import { ResourcesEditor } from './resources-editor.tsx';
import { SecurityFields } from './security-fields.tsx';

const ELSEWHERE = 'coaps://';

export const hasCoaps = (uris: ServerUris | undefined): boolean => typeof uris?.coaps === 'string';

interface ServersSectionProps {
  readonly servers: readonly ServerDraft[];
  readonly onChange: (servers: readonly ServerDraft[]) => void;
  readonly nextShortServerId: number;
  /** What devices are told of this server; undefined while it is asked for. */
  readonly thisServer: ServerUris | undefined;
}

export const ServersSection = ({
  servers,
  onChange,
  nextShortServerId,
  thisServer,
}: ServersSectionProps): JSX.Element => (
  <Section
    title="LwM2M Servers"
    description="The servers the device registers with: a Security and a Server Object Instance each."
    controls={
      <>
        <AddButton
          onClick={() => onChange([...servers, newServer(undefined, nextShortServerId, hasCoaps(thisServer))])}
        >
          Add this server
        </AddButton>
        <AddButton onClick={() => onChange([...servers, newServer(ELSEWHERE, nextShortServerId, true)])}>
          Add another server
        </AddButton>
      </>
    }
  >
    {servers.length === 0 ? (
      <Text size="sm" className="quiet">
        Without one the device has nobody to register with.
      </Text>
    ) : null}
    {servers.map((server, index) => {
      const name = `LwM2M Server ${index + 1}`;
      const pointer = pointerTo('/servers', index);
      return (
        <Item key={server.key} name={name} pointer={pointer} onRemove={() => onChange(without(servers, server.key))}>
          <ServerFields
            name={name}
            pointer={pointer}
            server={server}
            thisServer={thisServer}
            onChange={(changed) => onChange(replaced(servers, changed))}
          />
        </Item>
      );
    })}
  </Section>
);

interface ServerFieldsProps {
  readonly name: string;
  readonly pointer: string;
  readonly server: ServerDraft;
  readonly thisServer: ServerUris | undefined;
  readonly onChange: (server: ServerDraft) => void;
}

const ServerFields = ({ name, pointer, server, thisServer, onChange }: ServerFieldsProps): JSX.Element => {
  const change = (changed: Partial<ServerDraft>): void => onChange({ ...server, ...changed });
  const at = (member: keyof ServerDraft): string => pointerTo(pointer, member);
  return (
    <div className={classes['fields']}>
      <UriFields
        name={name}
        pointer={at('uri')}
        uri={server.uri}
        known={thisServer}
        secure={server.security.mode !== 'none'}
        onChange={(uri) => change({ uri, ...securityFor(server.uri, uri, server.security) })}
      />
      <TextField
        label="Short Server ID"
        pointer={at('shortServerId')}
        numeric
        required
        value={server.shortServerId}
        onChange={(shortServerId) => change({ shortServerId })}
      />
      <TextField
        label="Lifetime in seconds"
        placeholder="86400"
        pointer={at('lifetimeSeconds')}
        numeric
        value={server.lifetimeSeconds}
        onChange={(lifetimeSeconds) => change({ lifetimeSeconds })}
      />
      <TextField
        label="Binding"
        placeholder="U"
        pointer={at('binding')}
        value={server.binding}
        onChange={(binding) => change({ binding })}
      />
      <SecurityFields
        of={name}
        pointer={at('security')}
        value={server.security}
        isThisServer={server.uri === undefined}
        onChange={(security) => change({ security })}
      />
      <More
        label={`More of ${name}`}
        pointers={[at('server'), at('securityObject'), at('securityObjectInstanceId'), at('serverObjectInstanceId')]}
        startsOpen={server.server.resources.length + server.securityObject.resources.length > 0}
      >
        <NamedResources
          title="Server Object (1)"
          objectId={1}
          of={`the Server Object of ${name}`}
          names={SERVER_NAMES}
          pointer={at('server')}
          value={server.server}
          onChange={(named) => change({ server: named })}
        />
        <NamedResources
          title="Security Object (0)"
          objectId={0}
          of={`the Security Object of ${name}`}
          names={SECURITY_NAMES}
          pointer={at('securityObject')}
          value={server.securityObject}
          onChange={(named) => change({ securityObject: named })}
        />
        <TextField
          label="Security Object Instance ID"
          description="One that is free when empty"
          pointer={at('securityObjectInstanceId')}
          numeric
          value={server.securityObjectInstanceId}
          onChange={(securityObjectInstanceId) => change({ securityObjectInstanceId })}
        />
        <TextField
          label="Server Object Instance ID"
          description="One that is free when empty"
          pointer={at('serverObjectInstanceId')}
          numeric
          value={server.serverObjectInstanceId}
          onChange={(serverObjectInstanceId) => change({ serverObjectInstanceId })}
        />
      </More>
    </div>
  );
};

/** Credentials go with coaps and only with it, and are made for this server; what was chosen is kept where it fits. */
const securityFor = (
  before: string | undefined,
  uri: string | undefined,
  security: SecurityDraft,
): { readonly security: SecurityDraft } => {
  const generate = (before === undefined) === (uri === undefined) ? security.generate : uri === undefined;
  const { mode } = security;
  if (uri !== undefined && /^coap:\/\//.test(uri)) return { security: { ...security, generate, mode: 'none' } };
  const needsOne = uri !== undefined && /^coaps:\/\//.test(uri) && mode === 'none';
  return { security: { ...security, generate, mode: needsOne ? 'psk' : mode } };
};

interface UriFieldsProps {
  readonly name: string;
  readonly pointer: string;
  readonly uri: string | undefined;
  readonly known: ServerUris | undefined;
  readonly secure: boolean;
  readonly onChange: (uri: string | undefined) => void;
}

const UriFields = ({ name, pointer, uri, known, secure, onChange }: UriFieldsProps): JSX.Element => {
  const used = (secure ? known?.coaps : known?.coap) ?? null;
  return (
    <div className={classes['wide']}>
      <SegmentedControl
        className={classes['choice']}
        size="xs"
        aria-label={`Whose account ${name} is`}
        transitionDuration={0}
        data={[
          { value: 'this', label: 'This server' },
          { value: 'other', label: 'Another server' },
        ]}
        value={uri === undefined ? 'this' : 'other'}
        onChange={(chosen) => onChange(chosen === 'this' ? undefined : ELSEWHERE)}
      />
      {uri !== undefined ? (
        <TextField
          label="URI"
          description="coap://host:port or coaps://host:port"
          placeholder="coaps://lwm2m.example:5684"
          pointer={pointer}
          required
          value={uri}
          onChange={onChange}
        />
      ) : (
        <Text size="xs" className="quiet" mt={4}>
          {known === undefined ? (
            'At the address by which the device reaches this server.'
          ) : used === null ? (
            <span className={classes['bad']}>This server does not listen {secure ? 'with' : 'without'} DTLS.</span>
          ) : (
            <>
              The device is given <span className="mono">{used}</span>
            </>
          )}
        </Text>
      )}
    </div>
  );
};

interface MoreProps {
  readonly label: string;
  /** What is inside: something wrong there opens it. */
  readonly pointers: readonly string[];
  readonly startsOpen: boolean;
  readonly children: ReactNode;
}

const More = ({ label, pointers, startsOpen, children }: MoreProps): JSX.Element => {
  const [chosen, setChosen] = useState(startsOpen);
  const { mistakes } = useFormScope();
  const opened = chosen || pointers.some((pointer) => mistakes.within(pointer) !== undefined);
  const id = useId();
  return (
    <div className={classes['wide']}>
      <Button
        variant="subtle"
        size="compact-sm"
        aria-expanded={opened}
        aria-controls={id}
        aria-label={label}
        rightSection={<Icon name={opened ? 'up' : 'down'} size={14} />}
        onClick={() => setChosen(!opened)}
      >
        More
      </Button>
      <Collapse expanded={opened} id={id} transitionDuration={0}>
        {opened ? (
          <div className={classes['fields']} style={{ marginTop: 8 }}>
            {children}
          </div>
        ) : null}
      </Collapse>
    </div>
  );
};

interface NamedResourcesProps {
  readonly title: string;
  readonly objectId: number;
  readonly of: string;
  readonly names: ReadonlyMap<number, string>;
  readonly pointer: string;
  readonly value: NamedDraft;
  readonly onChange: (value: NamedDraft) => void;
}

const NamedResources = (props: NamedResourcesProps): JSX.Element => {
  const { title, objectId, of, names, pointer, value, onChange } = props;
  const definition = useDefinition(objectId).data ?? undefined;
  const wrong = useFormScope().mistakes.at(pointer);
  return (
    <div className={classes['wide']}>
      <Text size="sm" fw={500} mb={4}>
        {title}
      </Text>
      {wrong === undefined ? null : (
        <Text size="xs" c="var(--lapwing-alarm)">
          {wrong}
        </Text>
      )}
      {definition === undefined ? null : (
        <ResourcesEditor
          of={of}
          definition={definition}
          only={names}
          resources={value.resources}
          pointerOf={(resourceId) => pointerTo(pointer, names.get(resourceId) ?? resourceId)}
          onChange={(resources) => onChange({ ...value, resources })}
        />
      )}
    </div>
  );
};

interface BootstrapServersSectionProps {
  readonly bootstrapServers: readonly BootstrapServerDraft[];
  readonly onChange: (bootstrapServers: readonly BootstrapServerDraft[]) => void;
  readonly thisBootstrapServer: ServerUris | undefined;
}

export const BootstrapServersSection = ({
  bootstrapServers,
  onChange,
  thisBootstrapServer,
}: BootstrapServersSectionProps): JSX.Element => (
  <Section
    title="Bootstrap-Server account"
    description="What the device is to know of its Bootstrap-Server from now on, in place of what it knows. Without one it keeps what it has."
    controls={
      bootstrapServers.length > 0 ? undefined : (
        <AddButton onClick={() => onChange([newBootstrapServer(hasCoaps(thisBootstrapServer))])}>
          Replace its account
        </AddButton>
      )
    }
  >
    {bootstrapServers.map((account, index) => {
      const name = bootstrapServers.length === 1 ? 'Bootstrap-Server' : `Bootstrap-Server ${index + 1}`;
      const pointer = pointerTo('/bootstrapServers', index);
      const at = (member: keyof BootstrapServerDraft): string => pointerTo(pointer, member);
      const change = (changed: Partial<BootstrapServerDraft>): void =>
        onChange(replaced(bootstrapServers, { ...account, ...changed }));
      return (
        <Item
          key={account.key}
          name={name}
          pointer={pointer}
          onRemove={() => onChange(without(bootstrapServers, account.key))}
        >
          <div className={classes['fields']}>
            <UriFields
              name={name}
              pointer={at('uri')}
              uri={account.uri}
              known={thisBootstrapServer}
              secure={account.security.mode !== 'none'}
              onChange={(uri) => change({ uri, ...securityFor(account.uri, uri, account.security) })}
            />
            <TextField
              label="Hold off in seconds"
              description="Between a failure to register and a bootstrap"
              pointer={at('holdOffSeconds')}
              numeric
              value={account.holdOffSeconds}
              onChange={(holdOffSeconds) => change({ holdOffSeconds })}
            />
            <TextField
              label="Account timeout in seconds"
              description="After which the account is removed; 0: never"
              pointer={at('accountTimeoutSeconds')}
              numeric
              value={account.accountTimeoutSeconds}
              onChange={(accountTimeoutSeconds) => change({ accountTimeoutSeconds })}
            />
            <SecurityFields
              of={name}
              pointer={at('security')}
              value={account.security}
              isThisServer={account.uri === undefined}
              onChange={(security) => change({ security })}
            />
            <More
              label={`More of ${name}`}
              pointers={[at('securityObject'), at('securityObjectInstanceId')]}
              startsOpen={account.securityObject.resources.length > 0}
            >
              <NamedResources
                title="Security Object (0)"
                objectId={0}
                of={`the Security Object of ${name}`}
                names={SECURITY_NAMES}
                pointer={at('securityObject')}
                value={account.securityObject}
                onChange={(securityObject) => change({ securityObject })}
              />
              <TextField
                label="Security Object Instance ID"
                description="That of the account it has when empty"
                pointer={at('securityObjectInstanceId')}
                numeric
                value={account.securityObjectInstanceId}
                onChange={(securityObjectInstanceId) => change({ securityObjectInstanceId })}
              />
            </More>
          </div>
        </Item>
      );
    })}
  </Section>
);
