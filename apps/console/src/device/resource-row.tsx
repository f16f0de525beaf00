/** One Resource of an Object Instance: what it is, its last value and its age, its course, and what can be done with it. */
import { Badge, Menu, Skeleton, Tooltip, UnstyledButton } from '@mantine/core';
import { lazy, memo, Suspense, type JSX } from 'react';
import { formatNodePath } from '../api/node-path.ts';
import type { ResourceDefinition } from '../api/shapes.ts';
import { useNow } from '../live/now.ts';
import type { ResourceSnapshot, SeenValue } from '../live/device-values.ts';
import { formatAge, formatLocalTime } from '../values/format-value.ts';
import { ActionButton, ObserveButton, ReadButton } from './action-button.tsx';
import { allows, observedAt, useAttributes, useDeviceScope, useResource, type Observed } from './device-scope.ts';
import { MoreMenu } from './more-menu.tsx';
import { ValueView } from './value-view.tsx';
import classes from './resource-row.module.css';

const Sparkline = lazy(() => import('./sparkline.tsx'));
export const SPARKLINE_HEIGHT = 30;

interface ResourceRowProps {
  readonly objectId: number;
  readonly objectInstanceId: number;
  readonly resourceId: number;
  readonly resource: ResourceDefinition | undefined;
}

const OPERATION_WORDS: Readonly<Record<string, string>> = {
  '': 'for the Bootstrap-Server only',
  R: 'can be read',
  W: 'can be written',
  RW: 'can be read and written',
  E: 'can be executed',
};

/** A sensor of the IPSO kind tells its units itself, in Sensor Units (5701). */
const SENSOR_UNITS = 5701;

export const useUnits = (
  objectId: number,
  objectInstanceId: number,
  resource: ResourceDefinition | undefined,
): string => {
  const { definitions } = useDeviceScope();
  const told = useResource(formatNodePath(objectId, objectInstanceId, SENSOR_UNITS));
  if (resource === undefined) return '';
  const hasOwn = resource.units !== '' || resource.type !== 'float';
  const isSensor = definitions.get(objectId)?.resources.some(({ resourceId }) => resourceId === SENSOR_UNITS);
  if (hasOwn || isSensor !== true || told?.kind !== 'single') return resource.units;
  return String(told.seen.value ?? '');
};

const isNumeric = ({ type }: SeenValue): boolean => type === 'float' || type === 'integer' || type === 'unsigned';

/** The values of a snapshot with the path and label of each. */
const linesOf = (
  path: string,
  snapshot: ResourceSnapshot | undefined,
): readonly { readonly path: string; readonly id: number | undefined; readonly seen: SeenValue }[] => {
  if (snapshot === undefined) return [];
  if (snapshot.kind === 'single') return [{ path, id: undefined, seen: snapshot.seen }];
  return Array.from(snapshot.instances, ([id, seen]) => ({ path: `${path}/${id}`, id, seen }));
};

export const ResourceRow = memo(
  ({ objectId, objectInstanceId, resourceId, resource }: ResourceRowProps): JSX.Element => {
    const { observed, open, registered } = useDeviceScope();
    const path = formatNodePath(objectId, objectInstanceId, resourceId);
    const snapshot = useResource(path);
    const attributes = useAttributes(path);
    const name = resource?.name ?? `Resource ${resourceId}`;
    const units = useUnits(objectId, objectInstanceId, resource);
    const watched = observedAt(observed, path);
    const lines = linesOf(path, snapshot);
    const executable = resource?.operations === 'E';
    return (
      <li className={classes['row']} aria-label={`${name} ${path}`} data-testid={`resource-${path}`}>
        <span className={`${classes['id']} quiet mono numbers`}>{resourceId}</span>
        <span className={classes['name']}>
          <span>{name}</span>
          <span className={classes['facts']}>
            {resource === undefined ? null : (
              <Tooltip label={OPERATION_WORDS[resource.operations]}>
                <Badge size="xs" variant="outline" color="gray" c="inherit" className={classes['tag']}>
                  {resource.operations || '–'}
                </Badge>
              </Tooltip>
            )}
            {resource === undefined || executable ? null : <span>{resource.type}</span>}
            {resource?.range ? <span title="Range in the definition">{resource.range}</span> : null}
            {attributes === undefined
              ? null
              : Object.entries(attributes).map(([key, value]) => (
                  <span key={key} title="Attribute">
                    {key}={value}
                  </span>
                ))}
            {executable ? null : <ObservedTag watched={watched} />}
          </span>
        </span>
        <span
          className={classes['value']}
          aria-live={watched === undefined ? 'off' : 'polite'}
          data-testid={`value-${path}`}
        >
          {executable ? null : snapshot === undefined ? (
            <span className="quiet">—</span>
          ) : lines.length === 0 ? (
            <span className="quiet">no Resource Instances</span>
          ) : (
            lines.map(({ path: linePath, id, seen }) => (
              <span key={linePath} className={classes['line']}>
                {id === undefined ? null : <span className={`${classes['instance']} quiet numbers`}>{id}</span>}
                <ValueView seen={seen} units={units} />
              </span>
            ))
          )}
        </span>
        <span className={classes['course']}>
          {watched === undefined
            ? null
            : lines
                .filter(({ seen }) => isNumeric(seen))
                .map(({ path: linePath, id }) => {
                  const label = id === undefined ? name : `${name} ${id}`;
                  return (
                    <UnstyledButton
                      key={linePath}
                      aria-label={`Enlarge the course of ${label}`}
                      className={classes['plot']}
                      onClick={() => open({ kind: 'chart', resourcePath: path, path: linePath, name: label, units })}
                    >
                      <Suspense fallback={<Skeleton height={SPARKLINE_HEIGHT} animate={false} />}>
                        <Sparkline
                          resourcePath={path}
                          path={linePath}
                          name={label}
                          height={SPARKLINE_HEIGHT}
                          axes="none"
                        />
                      </Suspense>
                    </UnstyledButton>
                  );
                })}
        </span>
        <span className={`${classes['age']} quiet numbers`}>
          {lines.length === 0 ? null : <Age at={Math.max(...lines.map(({ seen }) => seen.at))} />}
        </span>
        <span className={classes['actions']}>
          {allows(resource, 'R') ? <ReadButton path={path} name={name} /> : null}
          {allows(resource, 'W') ? (
            <ActionButton
              icon="write"
              label={`Write ${name}`}
              disabled={!registered}
              onClick={() => open({ kind: 'write', path, name, resource })}
            />
          ) : null}
          {allows(resource, 'E') ? (
            <ActionButton
              icon="execute"
              label={`Execute ${name}`}
              disabled={!registered}
              onClick={() => open({ kind: 'execute', path, name })}
            />
          ) : null}
          {allows(resource, 'R') ? <ObserveButton path={path} name={name} /> : null}
          <MoreMenu path={path} name={name}>
            {lines
              .filter(({ id }) => id !== undefined)
              .map(({ path: linePath, id }) => (
                <Menu.Item
                  key={linePath}
                  color="red"
                  onClick={() => open({ kind: 'delete', path: linePath, name: `Resource Instance ${id} of ${name}` })}
                >
                  Delete Resource Instance {id}
                </Menu.Item>
              ))}
          </MoreMenu>
        </span>
      </li>
    );
  },
);

const ObservedTag = ({ watched }: { readonly watched: Observed }): JSX.Element | null => {
  if (watched === undefined) return null;
  return (
    <span className={classes['watched']}>{watched.kind === 'itself' ? 'observed' : `observed by ${watched.path}`}</span>
  );
};

const Age = ({ at }: { readonly at: number }): JSX.Element => {
  const now = useNow();
  return <span title={formatLocalTime(at)}>{formatAge(Math.max(0, now - at))}</span>;
};
