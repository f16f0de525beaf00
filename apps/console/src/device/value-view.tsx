/** A value on screen: its text and unit, and a short glow when it changed. */
import { Text, Tooltip } from '@mantine/core';
import { useEffect, useRef, type JSX } from 'react';
import type { SeenValue } from '../live/device-values.ts';
import { formatValue } from '../values/format-value.ts';
import { besideNumber, unitSymbol } from '../values/unit-symbols.ts';
import classes from './resource-row.module.css';

/** ms. */
const GLOW_TIME = 1400;
const GLOW: Keyframe[] = [{ backgroundColor: 'var(--lapwing-glow)' }, { backgroundColor: 'transparent' }];

interface ValueViewProps {
  readonly seen: SeenValue;
  readonly units: string;
}

export const ValueView = ({ seen, units }: ValueViewProps): JSX.Element => {
  const { short, full } = formatValue(seen.type, seen.value);
  const symbol = unitSymbol(units);
  const ref = useRef<HTMLSpanElement>(null);
  const before = useRef(seen);
  useEffect(() => {
    const same = before.current.value === seen.value;
    before.current = seen;
    if (same) return;
    if (!matchMedia('(prefers-reduced-motion: reduce)').matches) ref.current?.animate(GLOW, GLOW_TIME);
  }, [seen]);
  const text = (
    <span ref={ref} className={`numbers ${classes['text']}`}>
      {seen.type === 'opaque' ? <span className="mono">{short}</span> : short}
      {symbol === '' || seen.value === null ? null : <span className="quiet">{besideNumber(symbol)}</span>}
    </span>
  );
  return full === undefined ? (
    text
  ) : (
    <Tooltip label={<Text className={classes['full']}>{full}</Text>} multiline maw={420}>
      {text}
    </Tooltip>
  );
};
