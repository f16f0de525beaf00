/** One Object of a device with its Object Instances and their Resources. */
import { Badge, Box, Button, Collapse, Group, Menu, Paper, Text, Title, UnstyledButton } from '@mantine/core';
import { memo, useId, useState, type JSX } from 'react';
import { formatNodePath } from '../api/node-path.ts';
import type { ObjectDefinition, RegisteredObject, ResourceDefinition } from '../api/shapes.ts';
import { Icon } from '../icons.tsx';
import type { Presence } from '../live/device-values.ts';
import { ActionButton, ObserveButton, ReadButton } from './action-button.tsx';
import { useDeviceScope, usePresence } from './device-scope.ts';
import { MoreMenu } from './more-menu.tsx';
import { ResourceRow } from './resource-row.tsx';
import classes from './object-card.module.css';
import rowClasses from './resource-row.module.css';

/** Object Instances that are unfolded at first. */
const UNFOLDED = 4;

export const objectAnchor = (objectId: number): string => `object-${objectId}`;

interface ObjectCardProps {
  readonly object: RegisteredObject;
  readonly definition: ObjectDefinition | undefined;
}

export const ObjectCard = memo(({ object, definition }: ObjectCardProps): JSX.Element => {
  const { open, registered } = useDeviceScope();
  const { objectId, version, objectInstanceIds } = object;
  const name = definition?.name ?? object.name ?? `Object ${objectId}`;
  const path = formatNodePath(objectId);
  return (
    <Paper
      withBorder
      component="section"
      id={objectAnchor(objectId)}
      aria-label={`${name} ${path}`}
      className={classes['card']}
    >
      <Group className={classes['head']} justify="space-between" wrap="nowrap">
        <Group gap={8} className={classes['title']}>
          <Title order={2} size="h4">
            {name}
          </Title>
          <Text span className="quiet mono" size="sm">
            {path}
          </Text>
          <Badge size="sm" variant="light" color="gray" c="inherit" tt="none" fw={500}>
            version {version}
          </Badge>
        </Group>
        <Group gap={4} wrap="nowrap">
          <ReadButton path={path} name={name} />
          <ObserveButton path={path} name={name} />
          {definition?.multiple === false && objectInstanceIds.length > 0 ? null : (
            <ActionButton
              icon="create"
              label={`Create an Object Instance of ${name}`}
              disabled={!registered}
              onClick={() => open({ kind: 'create', objectId, name })}
            />
          )}
          <MoreMenu path={path} name={name} />
        </Group>
      </Group>
      {objectInstanceIds.length === 0 ? (
        <Text className={`quiet ${classes['none']}`} size="sm">
          No Object Instances
        </Text>
      ) : (
        objectInstanceIds.map((objectInstanceId, index) => (
          <ObjectInstance
            key={objectInstanceId}
            objectId={objectId}
            objectInstanceId={objectInstanceId}
            objectName={name}
            definition={definition}
            alone={definition?.multiple === false && objectInstanceIds.length === 1}
            unfolded={index < UNFOLDED}
          />
        ))
      )}
    </Paper>
  );
});

interface ObjectInstanceProps {
  readonly objectId: number;
  readonly objectInstanceId: number;
  readonly objectName: string;
  readonly definition: ObjectDefinition | undefined;
  /** The only one there can be: what is done to the Object is done to it. */
  readonly alone: boolean;
  readonly unfolded: boolean;
}

type Row = { readonly resourceId: number; readonly resource: ResourceDefinition | undefined; readonly absent: boolean };

/** Resources the definition names and those the device has beyond it, in the order of their IDs. */
const rowsOf = (
  definition: ObjectDefinition | undefined,
  presence: Presence | undefined,
  seen: readonly number[],
): readonly Row[] => {
  const defined = new Map(
    (definition?.resources ?? [])
      .filter(({ operations }) => operations !== '')
      .map((resource) => [resource.resourceId, resource]),
  );
  const ids = new Set([...defined.keys(), ...(presence?.discovered ?? []), ...(presence?.readable ?? []), ...seen]);
  return [...ids]
    .sort((a, b) => a - b)
    .map((resourceId) => {
      const resource = defined.get(resourceId);
      return { resourceId, resource, absent: isAbsent(resourceId, resource, presence, seen) };
    });
};

const isAbsent = (
  resourceId: number,
  resource: ResourceDefinition | undefined,
  presence: Presence | undefined,
  seen: readonly number[],
): boolean => {
  if (seen.includes(resourceId)) return false;
  if (presence?.discovered !== undefined) return !presence.discovered.has(resourceId);
  if (presence?.readable === undefined || resource === undefined) return false;
  return resource.operations.includes('R') && !presence.readable.has(resourceId);
};

const ObjectInstance = (props: ObjectInstanceProps): JSX.Element => {
  const { objectId, objectInstanceId, objectName, definition, alone, unfolded } = props;
  const { open, values } = useDeviceScope();
  const path = formatNodePath(objectId, objectInstanceId);
  const presence = usePresence(path);
  const [expanded, setExpanded] = useState(unfolded);
  const [showAbsent, setShowAbsent] = useState(false);
  const rowsId = useId();
  const rows = rowsOf(definition, presence, values.resourceIdsBelow(path));
  const shown = rows.filter(({ absent }) => !absent || showAbsent);
  const absent = rows.filter((row) => row.absent).length;
  const name = `${objectName} ${objectInstanceId}`;
  return (
    <div className={classes['instance']}>
      <Group className={classes['instanceHead']} justify="space-between" wrap="nowrap">
        <UnstyledButton
          className={classes['fold']}
          aria-expanded={expanded}
          aria-controls={rowsId}
          onClick={() => setExpanded(!expanded)}
        >
          <span className={classes['arrow']} data-expanded={expanded}>
            <Icon name="down" size={16} />
          </span>
          <Text span size="sm" fw={600}>
            Object Instance {objectInstanceId}
          </Text>
          <Text span className="quiet mono" size="xs">
            {path}
          </Text>
        </UnstyledButton>
        <Group gap={4} wrap="nowrap">
          <ReadButton path={path} name={name} />
          <ObserveButton path={path} name={name} />
          <MoreMenu path={path} name={name}>
            <Menu.Item
              leftSection={<Icon name="write" size={16} />}
              onClick={() => open({ kind: 'writeResources', path, objectId, name })}
            >
              Write Resources
            </Menu.Item>
            {alone ? null : (
              <Menu.Item
                color="red"
                leftSection={<Icon name="remove" size={16} />}
                onClick={() => open({ kind: 'delete', path, name })}
              >
                Delete
              </Menu.Item>
            )}
          </MoreMenu>
        </Group>
      </Group>
      <Box id={rowsId}>
        <Collapse expanded={expanded} transitionDuration={120}>
          {shown.length === 0 ? (
            <Text className={`quiet ${classes['none']}`} size="sm">
              {definition === undefined
                ? 'No definition of this Object is known. Read it to see what it holds, or add its definition on the Server page.'
                : 'No Resources'}
            </Text>
          ) : (
            <ul className={rowClasses['rows']} aria-label={`Resources of ${name}`}>
              {shown.map(({ resourceId, resource }) => (
                <ResourceRow
                  key={resourceId}
                  objectId={objectId}
                  objectInstanceId={objectInstanceId}
                  resourceId={resourceId}
                  resource={resource}
                />
              ))}
            </ul>
          )}
          {absent === 0 ? null : (
            <Button
              variant="subtle"
              color="gray"
              c="var(--lapwing-quiet)"
              size="compact-xs"
              className={classes['absent']}
              onClick={() => setShowAbsent(!showAbsent)}
            >
              {showAbsent ? 'Hide' : 'Show'} {absent === 1 ? 'one Resource' : `${absent} Resources`} the device does not
              have
            </Button>
          )}
        </Collapse>
      </Box>
    </div>
  );
};
