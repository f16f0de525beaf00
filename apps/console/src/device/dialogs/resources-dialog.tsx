/** Resources of an Object Instance at once: to create one, or to write one that exists. */
import { Checkbox, Group, ScrollArea, SegmentedControl, Stack, Text, TextInput } from '@mantine/core';
import { useState, type JSX } from 'react';
import { formatNodePath } from '../../api/node-path.ts';
import type { ResourceValues } from '../../api/rest.ts';
import type { ResourceDefinition } from '../../api/shapes.ts';
import { draftOf, parseDraft, type Draft } from '../../values/parse-value.ts';
import { useDeviceScope } from '../device-scope.ts';
import { showDone, showRefusal, useOperation } from '../operation.ts';
import { ValueInput } from '../value-input.tsx';
import { DialogFrame } from './dialog-frame.tsx';

type Purpose =
  | { readonly kind: 'create' }
  /** `path` is the Object Instance that is written. */
  | { readonly kind: 'write'; readonly path: string };

interface ResourcesDialogProps {
  readonly purpose: Purpose;
  readonly objectId: number;
  readonly name: string;
  readonly onClose: () => void;
}

interface FieldDraft {
  readonly included: boolean;
  readonly draft: Draft;
}

const isWritable = ({ operations }: ResourceDefinition): boolean => operations === 'W' || operations === 'RW';

export const ResourcesDialog = ({ purpose, objectId, name, onClose }: ResourcesDialogProps): JSX.Element => {
  const { definitions, values, operations } = useDeviceScope();
  const resources = definitions.get(objectId)?.resources ?? [];
  // Whoever creates an Object Instance may give what is read-only afterwards, too.
  const fields = resources.filter((resource) =>
    purpose.kind === 'create'
      ? resource.operations !== 'E' && (isWritable(resource) || resource.mandatory)
      : isWritable(resource),
  );
  const [instanceId, setInstanceId] = useState('');
  const [mode, setMode] = useState<'replace' | 'update'>('update');
  const [strict, setStrict] = useState(false);
  const [drafts, setDrafts] = useState<ReadonlyMap<number, FieldDraft>>(
    () =>
      new Map(
        fields.map(({ resourceId, type, mandatory, operations: allowed }) => {
          const seen = purpose.kind === 'write' ? values.resource(`${purpose.path}/${resourceId}`) : undefined;
          const value = seen?.kind === 'single' ? seen.seen.value : undefined;
          const included = purpose.kind === 'create' && mandatory && allowed !== 'R';
          return [resourceId, { included, draft: draftOf(type, value) }];
        }),
      ),
  );
  const { state, run } = useOperation();
  const idIsWrong = instanceId !== '' && !(/^\d{1,5}$/.test(instanceId) && Number(instanceId) < 65_535);

  const collect = (): ResourceValues | undefined => {
    const body: Record<string, ResourceValues[string]> = {};
    for (const { resourceId, type, multiple } of fields) {
      const field = drafts.get(resourceId);
      if (field?.included !== true) continue;
      const parsed = parseDraft(type, field.draft);
      if (!parsed.ok) return undefined;
      body[resourceId] = multiple ? { values: { '0': parsed.value } } : parsed.value;
    }
    return body;
  };

  const submit = (): void => {
    setStrict(true);
    const body = collect();
    if (body === undefined || idIsWrong) return;
    if (purpose.kind === 'create') {
      const path = instanceId === '' ? formatNodePath(objectId) : formatNodePath(objectId, Number(instanceId));
      let created = '';
      run(
        async () => {
          created = await operations.create(path, body);
        },
        () => {
          showDone(`${created} was created.`);
          onClose();
        },
      );
      return;
    }
    run(
      () => operations.write(purpose.path, { resources: body }, mode),
      () => {
        showDone(`${name} was written.`);
        onClose();
        operations.read(purpose.path).catch((error: unknown) => showRefusal(`Read ${purpose.path}`, error));
      },
    );
  };

  const change = (resourceId: number, changed: FieldDraft): void => {
    const next = new Map(drafts);
    next.set(resourceId, changed);
    setDrafts(next);
  };

  return (
    <DialogFrame
      path={purpose.kind === 'create' ? formatNodePath(objectId) : purpose.path}
      state={state}
      submit={purpose.kind === 'create' ? 'Create' : 'Write'}
      onSubmit={submit}
      onClose={onClose}
    >
      {purpose.kind === 'create' ? (
        <TextInput
          label="Object Instance ID"
          description="Left empty, the device chooses."
          inputMode="numeric"
          autoComplete="off"
          data-autofocus
          value={instanceId}
          error={idIsWrong ? 'A number from 0 to 65534 is needed.' : undefined}
          onChange={(event) => setInstanceId(event.currentTarget.value.trim())}
        />
      ) : (
        <SegmentedControl
          aria-label="Mode"
          value={mode}
          onChange={(chosen) => setMode(chosen === 'replace' ? 'replace' : 'update')}
          data={[
            { value: 'update', label: 'Update these Resources' },
            { value: 'replace', label: 'Replace the Object Instance' },
          ]}
        />
      )}
      {fields.length === 0 ? (
        <Text size="sm" className="quiet">
          {resources.length === 0
            ? 'No definition of this Object is known, so no Resources can be offered here.'
            : 'The definition names no Resource that can be written.'}
        </Text>
      ) : (
        <ScrollArea.Autosize mah="50vh" type="auto" offsetScrollbars>
          <Stack gap="sm">
            {fields.map(({ resourceId, name: label, type, range, units, mandatory }) => {
              const field = drafts.get(resourceId) ?? { included: false, draft: '' };
              return (
                <Group key={resourceId} wrap="nowrap" align="flex-start" gap="sm">
                  <Checkbox
                    mt={3}
                    aria-label={`Include ${label}`}
                    checked={field.included}
                    onChange={(event) => change(resourceId, { ...field, included: event.currentTarget.checked })}
                  />
                  <div style={{ flex: 1 }}>
                    <ValueInput
                      label={`${resourceId} ${label}${mandatory ? ' (mandatory)' : ''}`}
                      type={type}
                      range={range}
                      units={units}
                      draft={field.draft}
                      strict={strict && field.included}
                      onChange={(draft) => change(resourceId, { included: true, draft })}
                    />
                  </div>
                </Group>
              );
            })}
          </Stack>
        </ScrollArea.Autosize>
      )}
    </DialogFrame>
  );
};
