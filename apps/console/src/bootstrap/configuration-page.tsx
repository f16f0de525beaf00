/** One configuration: made, changed, previewed and saved; of a device, or the default one of unknown devices. */
import { Alert, Button, Center, Group, List, Loader, Paper, Stack, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { useQuery, useQueryClient, type QueryClient } from '@tanstack/react-query';
import { useBlocker, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useMemo, useRef, useState, type JSX } from 'react';
import { bootstrapApi } from '../api/bootstrap-rest.ts';
import type { BootstrapConfiguration, PreviewedOperation, PreviewOptions } from '../api/bootstrap-shapes.ts';
import { Refusal } from '../api/rest.ts';
import { showDone, useOperation } from '../device/operation.ts';
import { Failure, sentenceOf, titleOf } from '../failure.tsx';
import { Icon } from '../icons.tsx';
import { BOOTSTRAP_CONFIGURATIONS, BOOTSTRAP_DEFAULT } from '../live/bootstrap-live.ts';
import { TextLink } from '../text-link.tsx';
import { AccessControlSection } from './access-control-section.tsx';
import { BootstrapServersSection, hasCoaps, ServersSection } from './accounts-section.tsx';
import { newServer } from './account-draft.ts';
import classes from './bootstrap-page.module.css';
import {
  configurationDraftOf,
  configurationJson,
  EMPTY_CONFIGURATION,
  freeShortServerId,
  objectIdsOf,
  type ConfigurationDraft,
} from './configuration-draft.ts';
import { definitionsOf } from './definitions.ts';
import { DeliverySection } from './delivery-section.tsx';
import { TextField } from './fields.tsx';
import { FormScopeContext } from './form-scope.ts';
import { useBootstrapInfo } from './bootstrap-info.ts';
import { Mistakes, NO_MISTAKES, placeWords } from './mistakes.ts';
import { ObjectsSection } from './objects-section.tsx';
import { PreviewPanel } from './preview-panel.tsx';

/** Whose configuration it is. */
type Target =
  | { readonly kind: 'new'; readonly name: string }
  | { readonly kind: 'device'; readonly name: string }
  | { readonly kind: 'default' };

export const NewConfigurationPage = (): JSX.Element => {
  const { name = '' } = useSearch({ from: '/bootstrap/new' });
  return <ConfigurationOf key={name} target={{ kind: 'new', name }} />;
};

export const DeviceConfigurationPage = (): JSX.Element => {
  const { name } = useParams({ from: '/bootstrap/configurations/$name' });
  return <ConfigurationOf key={name} target={{ kind: 'device', name }} />;
};

export const DefaultConfigurationPage = (): JSX.Element => <ConfigurationOf target={{ kind: 'default' }} />;

const titleOfTarget = (target: Target): string =>
  target.kind === 'new'
    ? 'New bootstrap configuration'
    : target.kind === 'default'
      ? 'Default bootstrap configuration'
      : target.name;

const ConfigurationOf = ({ target }: { readonly target: Target }): JSX.Element => {
  useDocumentTitle(`${titleOfTarget(target)} · Lapwing`);
  const queries = useQueryClient();
  const info = useBootstrapInfo();
  const loaded = useQuery({
    queryKey: ['bootstrap', 'editor', target],
    queryFn: ({ signal }) => loadDraft(queries, target, signal),
    // What is edited is what the server has when the page is opened, and stays so while it is edited.
    gcTime: 0,
    refetchOnMount: false,
    refetchOnReconnect: false,
  });
  return (
    <>
      <TextLink to="/bootstrap" size="sm" style={{ display: 'inline-flex', alignItems: 'center', gap: 4 }} mb="sm">
        <Icon name="back" size={14} /> Bootstrap
      </TextLink>
      {loaded.data !== undefined && !info.isPending ? (
        <Editor
          target={target}
          initial={
            // Most devices are to register here.
            loaded.data ?? {
              ...EMPTY_CONFIGURATION,
              servers: [newServer(undefined, 1, hasCoaps(info.data?.thisServer))],
            }
          }
        />
      ) : loaded.isError ? (
        <Failure error={loaded.error} retry={() => void loaded.refetch()} />
      ) : (
        <Center h={240}>
          <Loader aria-label="Loading the configuration" />
        </Center>
      )}
    </>
  );
};

/** Null: there is none yet. */
const loadDraft = async (
  queries: QueryClient,
  target: Target,
  signal: AbortSignal,
): Promise<ConfigurationDraft | null> => {
  if (target.kind === 'new') return null;
  const { configuration } =
    target.kind === 'default'
      ? await bootstrapApi.defaultConfiguration(signal)
      : await bootstrapApi.configuration(target.name, signal);
  if (configuration === null) return null;
  return configurationDraftOf(configuration, await definitionsOf(queries, [0, 1, ...objectIdsOf(configuration)]));
};

interface EditorProps {
  readonly target: Target;
  readonly initial: ConfigurationDraft;
}

/** Stands for a device whose name is not known in a preview. */
const ANY_DEVICE = 'any device';

const Editor = ({ target, initial }: EditorProps): JSX.Element => {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const info = useBootstrapInfo().data;
  const [first] = useState(initial);
  const [draft, setDraft] = useState(first);
  const saved = useRef(false);
  const isUnsaved = (): boolean => draft !== first && !saved.current;
  useBlocker({
    shouldBlockFn: () => isUnsaved() && !window.confirm('Leave without saving what was changed?'),
    enableBeforeUnload: isUnsaved,
  });
  const [name, setName] = useState(target.kind === 'default' ? '' : target.name);
  const [strict, setStrict] = useState(false);
  const [refused, setRefused] = useState<{ readonly error: unknown; readonly draft: ConfigurationDraft }>();
  const [previewed, setPreviewed] = useState<{
    readonly operations: readonly PreviewedOperation[];
    readonly draft: ConfigurationDraft;
  }>();
  const saving = useOperation();
  const previewing = useOperation();
  const { configuration, mistakes: own } = useMemo(() => configurationJson(draft), [draft]);
  const isNameMissing = target.kind === 'new' && name.trim() === '';

  // What the server found wrong is said until the configuration is changed.
  const mistakes = useMemo(() => {
    if (!strict) return NO_MISTAKES;
    const all = new Mistakes();
    for (const [pointer, sentence] of own.all()) all.add(pointer, sentence);
    const pointer = refused?.draft === draft && refused.error instanceof Refusal ? refused.error.field : undefined;
    if (pointer !== undefined) all.add(pointer, sentenceOf(refused?.error));
    if (isNameMissing) all.add('/device', 'The Endpoint Client Name of the device is needed.');
    return all;
  }, [strict, own, refused, draft, isNameMissing]);
  const scope = useMemo(() => ({ mistakes, strict }), [mistakes, strict]);

  const change = (changed: Partial<ConfigurationDraft>): void => setDraft({ ...draft, ...changed });

  /** Runs what sends the configuration, if it is one. */
  const send = (operation: typeof saving, call: () => Promise<void>): void => {
    setStrict(true);
    if (own.size > 0) return;
    operation.run(async () => {
      try {
        await call();
        setRefused(undefined);
      } catch (error) {
        setRefused({ error, draft });
        throw error;
      }
    });
  };
  const preview = (options: PreviewOptions): void =>
    send(previewing, async () => {
      const of = target.kind === 'default' || name.trim() === '' ? ANY_DEVICE : name.trim();
      const { operations } = await bootstrapApi.preview(of, configuration, options);
      setPreviewed({ operations, draft });
    });
  const save = (): void => {
    if (isNameMissing) {
      setStrict(true);
      return;
    }
    send(saving, async () => {
      await saveTo(target, name.trim(), configuration);
      saved.current = true;
      void queries.invalidateQueries({
        queryKey: target.kind === 'default' ? BOOTSTRAP_DEFAULT : BOOTSTRAP_CONFIGURATIONS,
      });
      showDone(
        target.kind === 'default'
          ? 'The default configuration was saved.'
          : `${name.trim()} is given this from now on.`,
      );
      await navigate({ to: '/bootstrap' });
    });
  };

  return (
    <FormScopeContext value={scope}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        <Group justify="space-between" align="flex-end" mb="md">
          <Title order={1} size="h2" className={classes['device']}>
            {titleOfTarget(target)}
          </Title>
          <Group gap="sm">
            <Button variant="default" onClick={() => void navigate({ to: '/bootstrap' })}>
              Close
            </Button>
            <Button type="submit" loading={saving.state.kind === 'pending'}>
              Save
            </Button>
          </Group>
        </Group>
        <div className={classes['columns']}>
          <Stack gap="md">
            <MistakeSummary
              mistakes={mistakes}
              error={saving.state.kind === 'refused' && refused?.draft === draft ? refused.error : undefined}
            />
            {target.kind === 'default' ? <DefaultWarning /> : null}
            {target.kind === 'new' ? (
              <Paper withBorder p="md" component="section" aria-label="Device">
                <TextField
                  label="Endpoint Client Name"
                  description="Of the device that is given this"
                  placeholder="urn:imei:123456789012345"
                  pointer="/device"
                  required
                  value={name}
                  onChange={setName}
                />
              </Paper>
            ) : null}
            <ServersSection
              servers={draft.servers}
              nextShortServerId={freeShortServerId(draft)}
              thisServer={info?.thisServer}
              onChange={(servers) => change({ servers })}
            />
            <BootstrapServersSection
              bootstrapServers={draft.bootstrapServers}
              thisBootstrapServer={info?.thisBootstrapServer}
              onChange={(bootstrapServers) => change({ bootstrapServers })}
            />
            <AccessControlSection
              settings={draft.accessControl}
              firstShortServerId={draft.servers[0]?.shortServerId ?? '1'}
              onChange={(accessControl) => change({ accessControl })}
            />
            <ObjectsSection objects={draft.objects} onChange={(objects) => change({ objects })} />
            <DeliverySection draft={draft} onChange={change} />
          </Stack>
          <PreviewPanel
            operations={previewed?.operations}
            isStale={previewed !== undefined && previewed.draft !== draft}
            state={previewing.state}
            onPreview={preview}
          />
        </div>
      </form>
    </FormScopeContext>
  );
};

const EXISTS = 'There is a configuration of this device already: open it to change it.';

const saveTo = async (target: Target, name: string, configuration: BootstrapConfiguration): Promise<void> => {
  if (target.kind === 'default') {
    await bootstrapApi.setDefaultConfiguration(configuration);
    return;
  }
  if (target.kind === 'new' && (await isConfigured(name)))
    throw new Refusal({ title: 'This device is configured', detail: EXISTS, field: '/device' }, 409);
  await bootstrapApi.setConfiguration(name, configuration);
};

const isConfigured = async (name: string): Promise<boolean> => {
  try {
    await bootstrapApi.configuration(name);
    return true;
  } catch (error) {
    if (error instanceof Refusal && error.status === 404) return false;
    throw error;
  }
};

interface MistakeSummaryProps {
  readonly mistakes: Mistakes;
  /** Of the server, about what is still on screen. */
  readonly error: unknown;
}

const MistakeSummary = ({ mistakes, error }: MistakeSummaryProps): JSX.Element | null => {
  if (mistakes.size === 0 && error === undefined) return null;
  const listed = mistakes.all();
  return (
    <Alert
      color="red"
      role="alert"
      title={error === undefined ? 'Something has to be corrected first' : titleOf(error)}
    >
      {listed.length === 0 ? (
        sentenceOf(error)
      ) : (
        <List size="sm">
          {listed.map(([pointer, sentence]) => (
            <List.Item key={pointer}>
              {placeWords(pointer) === undefined ? '' : `${placeWords(pointer)}: `}
              {sentence}
            </List.Item>
          ))}
        </List>
      )}
    </Alert>
  );
};

const DefaultWarning = (): JSX.Element => (
  <Alert color="orange" title="For every device that asks">
    <Text size="sm">
      Any device without a configuration of its own is given this, whatever it calls itself. Over plain CoAP anybody who
      reaches the Bootstrap-Server can ask for it: let nothing in here be secret, or give it over coaps only.
    </Text>
  </Alert>
);
