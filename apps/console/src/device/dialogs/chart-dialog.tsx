/** The course of one number, large and live. */
import { Center, Loader, Text } from '@mantine/core';
import { lazy, Suspense, type JSX } from 'react';
import { formatValue } from '../../values/format-value.ts';
import { besideNumber, unitSymbol } from '../../values/unit-symbols.ts';
import { useSeries } from '../device-scope.ts';

const Sparkline = lazy(() => import('../sparkline.tsx'));

interface ChartDialogProps {
  readonly resourcePath: string;
  readonly path: string;
  readonly name: string;
  readonly units: string;
}

const HEIGHT = 320;

export const ChartDialog = ({ resourcePath, path, name, units }: ChartDialogProps): JSX.Element => {
  const { values } = useSeries(resourcePath, path);
  const latest = values.at(-1);
  return (
    <>
      <Text className="quiet" size="sm" mb="sm">
        <span className="mono">{path}</span>
        {latest === undefined
          ? ''
          : ` · now ${formatValue('float', latest).short}${besideNumber(unitSymbol(units))}`.trimEnd()}{' '}
        · {values.length} values since this page was opened
      </Text>
      <Suspense
        fallback={
          <Center h={HEIGHT}>
            <Loader />
          </Center>
        }
      >
        <Sparkline resourcePath={resourcePath} path={path} name={name} height={HEIGHT} axes="both" />
      </Suspense>
    </>
  );
};
