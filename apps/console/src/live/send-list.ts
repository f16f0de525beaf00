/** The loaded pages of what a device sent by itself, newest first, and how a Send that has just come finds its place. */
import type { InfiniteData } from '@tanstack/react-query';
import type { LapwingEvent, SentValuePage } from '../api/shapes.ts';

export type SendList = InfiniteData<SentValuePage, string | undefined>;

export const SENDS_PER_PAGE = 100;
/** Rows on screen; beyond them only the newest page is kept. */
export const SENDS_SHOWN = 1000;

export const sendsKey = (name: string): readonly string[] => ['device', name, 'sends'];

/** Put the values of a Send first, but for those that the list has already. */
export const withSend = (
  list: SendList,
  { sendId, time, entries }: Pick<Extract<LapwingEvent, { type: 'sent' }>, 'sendId' | 'time' | 'entries'>,
): SendList => {
  const [first, ...others] = list.pages;
  if (first === undefined) return list;
  const newest = first.items[0]?.id ?? -1;
  const added = entries
    .map((entry, index) => ({ ...entry, id: sendId + index, sendId, receivedAt: time }))
    .filter(({ id }) => id > newest)
    .reverse();
  if (added.length === 0) return list;
  return { ...list, pages: [{ ...first, items: [...added, ...first.items] }, ...others] };
};

/** The newest page alone. */
export const shortened = ({ pages: [first], pageParams: [param] }: SendList): SendList => ({
  pages: first === undefined ? [] : [{ ...first, items: first.items.slice(0, SENDS_PER_PAGE) }],
  pageParams: first === undefined ? [] : [param],
});
