/** Write the Resources of the composite set in one operation: the device takes all of them or none. */
import { Text } from '@mantine/core';
import { useState, type JSX } from 'react';
import { parseNodePath } from '../../api/node-path.ts';
import type { DataType, JsonValue, ResourceDefinition } from '../../api/shapes.ts';
import { draftOf, parseDraft, type Draft } from '../../values/parse-value.ts';
import { nodeName } from '../composite-set.ts';
import { resourceDefinition, useDeviceScope } from '../device-scope.ts';
import { showDone, showRefusal, useOperation } from '../operation.ts';
import { ValueInput } from '../value-input.tsx';
import { DialogFrame } from './dialog-frame.tsx';

interface WriteCompositeDialogProps {
  readonly paths: readonly string[];
  readonly onClose: () => void;
}

interface Field {
  readonly path: string;
  readonly resource: ResourceDefinition | undefined;
  readonly type: DataType;
  readonly draft: Draft;
}

export const WriteCompositeDialog = ({ paths, onClose }: WriteCompositeDialogProps): JSX.Element => {
  const { values, definitions, operations } = useDeviceScope();
  const [strict, setStrict] = useState(false);
  const { state, run } = useOperation();
  const [fields, setFields] = useState<readonly Field[]>(() =>
    paths.map((path) => {
      const { objectId, resourceId } = parseNodePath(path) ?? { objectId: 0 };
      const resource = resourceDefinition(definitions.get(objectId), resourceId ?? 0);
      const snapshot = values.resource(path);
      const seen = snapshot?.kind === 'single' ? snapshot.seen : undefined;
      const type = resource?.type ?? seen?.type ?? 'string';
      return { path, resource, type, draft: draftOf(type, seen?.value) };
    }),
  );
  const submit = (): void => {
    setStrict(true);
    const body: Record<string, JsonValue> = {};
    for (const { path, type, draft } of fields) {
      const parsed = parseDraft(type, draft);
      if (!parsed.ok) return;
      body[path] = parsed.value;
    }
    run(
      () => operations.writeComposite(body),
      () => {
        showDone('The composite set was written.');
        onClose();
        operations.readComposite(paths).catch((error: unknown) => showRefusal('Read-Composite', error));
      },
    );
  };
  return (
    <DialogFrame state={state} submit="Write all" onSubmit={submit} onClose={onClose}>
      <Text size="sm">The device takes all of these values, or none.</Text>
      {fields.map(({ path, resource, type, draft }, index) => (
        <ValueInput
          key={path}
          label={`${nodeName(definitions, path)} ${path}`}
          type={type}
          range={resource?.range ?? ''}
          units={resource?.units ?? ''}
          draft={draft}
          strict={strict}
          autoFocus={index === 0}
          onChange={(changed) =>
            setFields(fields.map((field) => (field.path === path ? { ...field, draft: changed } : field)))
          }
        />
      ))}
    </DialogFrame>
  );
};
