/** The course of one number, drawn by uPlot: a line without axes in a row, or a chart with axes in a dialog. */
import 'uplot/dist/uPlot.min.css';
import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useRef, type JSX } from 'react';
import UPlot from 'uplot';
import type { Series } from '../live/device-values.ts';
import { formatLocalTime } from '../values/format-value.ts';
import { useSeries } from './device-scope.ts';

interface SparklineProps {
  readonly resourcePath: string;
  readonly path: string;
  readonly name: string;
  readonly height: number;
  readonly axes: 'none' | 'both';
}

const dataOf = ({ times, values }: Series): UPlot.AlignedData => [times as number[], values as number[]];

const coloursOf = (
  element: HTMLElement,
): { readonly line: string; readonly fill: string; readonly text: string; readonly grid: string } => {
  const style = getComputedStyle(element);
  const line = style.getPropertyValue('--lapwing-plumage').trim();
  return {
    line,
    fill: `${line}22`,
    text: style.color,
    grid: style.getPropertyValue('--lapwing-line').trim() || '#8884',
  };
};

const timesOfDay = (_plot: UPlot, moments: readonly number[]): string[] =>
  moments.map((moment) => formatLocalTime(moment * 1000).slice(11));

// A flat line belongs in the middle, not on the edge.
const spread = (_plot: UPlot, least: number | null, greatest: number | null): [number, number] => {
  if (least === null || greatest === null) return [0, 1];
  const margin = least === greatest ? Math.abs(least) * 0.1 || 1 : (greatest - least) * 0.12;
  return [least - margin, greatest + margin];
};

const Sparkline = ({ resourcePath, path, name, height, axes }: SparklineProps): JSX.Element => {
  const series = useSeries(resourcePath, path);
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot>(undefined);
  const latest = useRef(series);
  const scheme = useComputedColorScheme('light');

  useEffect(() => {
    const element = holder.current;
    if (element === null) return undefined;
    const { line, fill, text, grid } = coloursOf(element);
    const axis: Omit<UPlot.Axis, 'values'> = {
      stroke: text,
      grid: { stroke: grid, width: 1 },
      ticks: { stroke: grid, width: 1 },
    };
    plot.current = new UPlot(
      {
        width: element.clientWidth || 160,
        height,
        legend: { show: false },
        cursor: { show: axes === 'both', drag: { x: false, y: false } },
        padding: axes === 'none' ? [3, 3, 3, 3] : [12, 12, 0, 0],
        axes:
          axes === 'none'
            ? [{ show: false }, { show: false }]
            : [
                { ...axis, space: 90, values: timesOfDay },
                { ...axis, size: 60 },
              ],
        scales: { x: { time: true }, y: { range: spread } },
        series: [{}, { stroke: line, fill, width: 1.6, points: { show: axes === 'both' } }],
      },
      dataOf(latest.current),
      element,
    );
    const resized = new ResizeObserver(() => {
      if (element.clientWidth > 0) plot.current?.setSize({ width: element.clientWidth, height });
    });
    resized.observe(element);
    return () => {
      resized.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [height, axes, scheme]);

  useEffect(() => {
    latest.current = series;
    plot.current?.setData(dataOf(series));
  }, [series]);

  return (
    <div
      ref={holder}
      role="img"
      aria-label={`Course of ${name}, ${series.values.length} values`}
      data-testid="sparkline"
      data-points={series.values.length}
      style={{ height, minWidth: 0 }}
    />
  );
};

export default Sparkline;
