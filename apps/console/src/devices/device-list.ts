/** The loaded pages of the device list, and how one device that changed finds its place in them. */
import type { DevicePage, DeviceSummary } from '../api/shapes.ts';

/** As the server sorts: by UTF-16 code units, as JavaScript compares text. */
const isBefore = (a: string, b: string): boolean => a < b;

/**
 * Put one device where it belongs in the pages.
 *
 * @param pages  as loaded, sorted by name.
 * @param complete  whether the pages are all there are; otherwise a device beyond the last row is left for a later page.
 */
export const placeDevice = (
  pages: readonly DevicePage[],
  device: DeviceSummary,
  complete: boolean,
): readonly DevicePage[] => {
  const { name } = device;
  if (find(pages, name) !== undefined) {
    return pages.map((page) => ({ ...page, items: page.items.map((item) => (item.name === name ? device : item)) }));
  }
  const index = pages.findIndex(({ items }) => items.some((item) => isBefore(name, item.name)));
  const target = index >= 0 ? index : complete ? pages.length - 1 : -1;
  if (target < 0) return pages;
  return pages.map((page, at) => {
    const total = page.total + 1;
    if (at !== target) return { ...page, total };
    const place = page.items.findIndex((item) => isBefore(name, item.name));
    const items = [...page.items];
    items.splice(place < 0 ? items.length : place, 0, device);
    return { ...page, items, total };
  });
};

/** What is other of a device that is loaded. */
export const changeDevice = (
  pages: readonly DevicePage[],
  name: string,
  change: Partial<DeviceSummary>,
): readonly DevicePage[] => {
  if (!isLoaded(pages, name)) return pages;
  return pages.map((page) => ({
    ...page,
    items: page.items.map((item) => (item.name === name ? { ...item, ...change } : item)),
  }));
};

/**
 * Take one device out of the pages.
 *
 * @param registrationId  which registration ended: a later one of the same name stays. Undefined: whichever it is.
 */
export const removeDevice = (
  pages: readonly DevicePage[],
  name: string,
  registrationId: string | undefined,
): readonly DevicePage[] => {
  const known = find(pages, name);
  if (known === undefined || (registrationId !== undefined && known.registrationId !== registrationId)) return pages;
  return pages.map((page) => ({
    ...page,
    items: page.items.filter((item) => item.name !== name),
    total: Math.max(0, page.total - 1),
  }));
};

export const isLoaded = (pages: readonly DevicePage[], name: string): boolean => find(pages, name) !== undefined;

const find = (pages: readonly DevicePage[], name: string): DeviceSummary | undefined => {
  for (const { items } of pages) {
    const found = items.find((item) => item.name === name);
    if (found !== undefined) return found;
  }
  return undefined;
};

/** Lifetime that is left, ms; Infinity for a registration that never expires. */
export const lifetimeLeft = (device: Pick<DeviceSummary, 'expiresAt'>, now: number): number =>
  device.expiresAt === null ? Infinity : Date.parse(device.expiresAt) - now;
