/** The operations of one session, in their order, each with what came of it. */
import { Table, Text } from '@mantine/core';
import type { JSX } from 'react';
import type { TimelineEntry } from '../api/bootstrap-shapes.ts';
import { formatBytes } from '../firmware/format-bytes.ts';
import { formatLocalTime } from '../values/format-value.ts';
import classes from './bootstrap-page.module.css';
import { durationWords, formatWords, isGoodResult, OPERATION_WORDS, resultWords } from './words.ts';

interface TimelineProps {
  readonly label: string;
  readonly entries: readonly TimelineEntry[];
  /** Entries that found no room. */
  readonly omitted: number;
}

export const Timeline = ({ label, entries, omitted }: TimelineProps): JSX.Element => (
  <Table.ScrollContainer
    minWidth={600}
    scrollAreaProps={{ viewportProps: { tabIndex: 0, role: 'region', 'aria-label': label } }}
  >
    <Table verticalSpacing={4} aria-label={label} className={classes['timeline']}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Time</Table.Th>
          <Table.Th>Operation</Table.Th>
          <Table.Th>Path</Table.Th>
          <Table.Th>Result</Table.Th>
          <Table.Th>Payload</Table.Th>
          <Table.Th ta="right">Duration</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {entries.map((entry, index) => (
          <EntryRow key={index} entry={entry} />
        ))}
      </Table.Tbody>
    </Table>
    {omitted === 0 ? null : (
      <Text size="sm" className="quiet">
        {omitted.toLocaleString()} more found no room.
      </Text>
    )}
  </Table.ScrollContainer>
);

const EntryRow = ({ entry }: { readonly entry: TimelineEntry }): JSX.Element => {
  const { at, operation, path, result, diagnostic, contentFormat, bytes, duration } = entry;
  const { method, name, byDevice } = OPERATION_WORDS[operation];
  const time = formatLocalTime(Date.parse(at));
  return (
    <Table.Tr data-testid={`timeline-${operation}-${path}`}>
      <Table.Td className="numbers" title={at} style={{ whiteSpace: 'nowrap' }}>
        {time.slice(11)}
        <span className="quiet">.{at.slice(20, 23)}</span>
      </Table.Td>
      <Table.Td style={{ whiteSpace: 'nowrap' }}>
        <span aria-hidden className="quiet">
          {byDevice ? '→ ' : '← '}
        </span>
        {name} <span className="quiet mono">{method}</span>
      </Table.Td>
      <Table.Td className="mono numbers">{path}</Table.Td>
      <Table.Td>
        <span className={`numbers ${isGoodResult(result) ? classes['good'] : classes['bad']}`}>
          {resultWords(result)}
        </span>
        {diagnostic === null || diagnostic === '' ? null : <span className={classes['diagnostic']}>{diagnostic}</span>}
      </Table.Td>
      <Table.Td className="numbers">
        {bytes === 0 ? <span className="quiet">none</span> : formatBytes(bytes)}
        {contentFormat === null ? null : <span className="quiet"> {formatWords(contentFormat)}</span>}
      </Table.Td>
      <Table.Td className="numbers" ta="right" style={{ whiteSpace: 'nowrap' }}>
        {durationWords(duration)}
      </Table.Td>
    </Table.Tr>
  );
};
