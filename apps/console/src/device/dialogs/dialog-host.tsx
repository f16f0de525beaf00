/** Shows the dialog that is open. */
import { Modal } from '@mantine/core';
import type { JSX } from 'react';
import type { Dialog } from '../dialog.ts';
import { AttributesDialog } from './attributes-dialog.tsx';
import { ChartDialog } from './chart-dialog.tsx';
import { DeleteDialog } from './delete-dialog.tsx';
import { DiscoverDialog } from './discover-dialog.tsx';
import { ExecuteDialog } from './execute-dialog.tsx';
import { ResourcesDialog } from './resources-dialog.tsx';
import { WriteCompositeDialog } from './write-composite-dialog.tsx';
import { WriteDialog } from './write-dialog.tsx';

interface DialogHostProps {
  readonly dialog: Dialog | undefined;
  readonly onClose: () => void;
}

const TITLES: Readonly<Record<Dialog['kind'], (name: string) => string>> = {
  write: (name) => `Write ${name}`,
  execute: (name) => `Execute ${name}`,
  create: (name) => `Create an Object Instance of ${name}`,
  writeResources: (name) => `Write ${name}`,
  attributes: (name) => `Attributes of ${name}`,
  writeComposite: () => 'Write the composite set',
  discover: (name) => `Discover ${name}`,
  delete: (name) => `Delete ${name}?`,
  chart: (name) => name,
};

const contentOf = (dialog: Dialog, onClose: () => void): JSX.Element => {
  switch (dialog.kind) {
    case 'write':
      return <WriteDialog {...dialog} onClose={onClose} />;
    case 'execute':
      return <ExecuteDialog {...dialog} onClose={onClose} />;
    case 'create':
      return (
        <ResourcesDialog purpose={{ kind: 'create' }} objectId={dialog.objectId} name={dialog.name} onClose={onClose} />
      );
    case 'writeResources':
      return (
        <ResourcesDialog
          purpose={{ kind: 'write', path: dialog.path }}
          objectId={dialog.objectId}
          name={dialog.name}
          onClose={onClose}
        />
      );
    case 'attributes':
      return <AttributesDialog {...dialog} onClose={onClose} />;
    case 'writeComposite':
      return <WriteCompositeDialog {...dialog} onClose={onClose} />;
    case 'discover':
      return <DiscoverDialog {...dialog} onClose={onClose} />;
    case 'delete':
      return <DeleteDialog {...dialog} onClose={onClose} />;
    case 'chart':
      return <ChartDialog {...dialog} />;
  }
};

const isWide = (dialog: Dialog | undefined): boolean => dialog?.kind === 'chart' || dialog?.kind === 'attributes';

export const DialogHost = ({ dialog, onClose }: DialogHostProps): JSX.Element => (
  <Modal
    opened={dialog !== undefined}
    onClose={onClose}
    title={dialog === undefined ? '' : TITLES[dialog.kind](dialog.name)}
    size={isWide(dialog) ? 'lg' : 'md'}
    attributes={{ header: { role: 'presentation' } }}
    closeButtonProps={{ 'aria-label': 'Close the dialog' }}
    transitionProps={{ duration: 120 }}
  >
    {dialog === undefined ? null : contentOf(dialog, onClose)}
  </Modal>
);
