/** The default configuration: whether unknown devices are given one, with a warning while they are. */
import { Alert, Button, Group, Modal, Switch, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState, type JSX } from 'react';
import { bootstrapApi } from '../api/bootstrap-rest.ts';
import { DialogFrame } from '../device/dialogs/dialog-frame.tsx';
import { showDone, useOperation } from '../device/operation.ts';
import { BOOTSTRAP_DEFAULT } from '../live/bootstrap-live.ts';
import { Panel } from '../security/panel.tsx';
import { configurationWords } from './words.ts';

export const DefaultPanel = (): JSX.Element => {
  const query = useQuery({
    queryKey: BOOTSTRAP_DEFAULT,
    queryFn: ({ signal }) => bootstrapApi.defaultConfiguration(signal),
  });
  const navigate = useNavigate();
  const [removing, setRemoving] = useState(false);
  return (
    <Panel
      title="Unknown devices"
      description="What becomes of a device that has no configuration of its own."
      query={query}
    >
      {({ configuration }) => (
        <>
          <Group justify="space-between">
            <Switch
              size="md"
              label="Give unknown devices the default configuration"
              description={
                configuration === null
                  ? 'They are refused.'
                  : `They are given ${configurationWords(configuration)}${configuration.secureOnly === true ? ', over coaps only' : ''}.`
              }
              checked={configuration !== null}
              onChange={() => {
                if (configuration === null) void navigate({ to: '/bootstrap/default' });
                else setRemoving(true);
              }}
            />
            {configuration === null ? null : (
              <Button component={Link} to="/bootstrap/default" variant="light">
                Change the default configuration
              </Button>
            )}
          </Group>
          {configuration === null || configuration.secureOnly === true ? null : (
            <Alert color="orange" mt="sm" title="Anybody can ask for it">
              Over plain CoAP a device is who it says it is: whoever reaches the Bootstrap-Server is given this, with
              any name that is not configured.
            </Alert>
          )}
          <Modal
            opened={removing}
            onClose={() => setRemoving(false)}
            title="Refuse unknown devices?"
            attributes={{ header: { role: 'presentation' } }}
            closeButtonProps={{ 'aria-label': 'Close the dialog' }}
            transitionProps={{ duration: 120 }}
          >
            {removing ? <Remove onClose={() => setRemoving(false)} onRemoved={() => void query.refetch()} /> : null}
          </Modal>
        </>
      )}
    </Panel>
  );
};

const Remove = ({
  onClose,
  onRemoved,
}: {
  readonly onClose: () => void;
  readonly onRemoved: () => void;
}): JSX.Element => {
  const { state, run } = useOperation();
  return (
    <DialogFrame
      state={state}
      submit="Remove it"
      danger
      onClose={onClose}
      onSubmit={() =>
        run(
          async () => {
            await bootstrapApi.removeDefaultConfiguration();
          },
          () => {
            showDone('Unknown devices are refused from now on.');
            onRemoved();
            onClose();
          },
        )
      }
    >
      <Text>The default configuration is removed. Devices that were given it keep what they have.</Text>
    </DialogFrame>
  );
};
