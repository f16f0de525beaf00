/** The console's icons, drawn on a grid of 24 with one stroke. They are decoration: the control that holds one has a name. */
import type { JSX } from 'react';

const STROKES = {
  devices: 'M4 6h16v9H4zM9 19h6M12 15v4',
  server: 'M4 5h16v6H4zM4 13h16v6H4zM8 8h.01M8 16h.01',
  search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM20 20l-4-4',
  read: 'M20 11a8 8 0 1 0-2.300 6.300M20 5v6h-6',
  write: 'M4 20l1-4L16 5l3 3L8 19zM14 7l3 3',
  execute: 'M7 5l11 7-11 7z',
  observe: 'M3 12s3.500-6 9-6 9 6 9 6-3.500 6-9 6-9-6-9-6zM12 9.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5z',
  attributes: 'M4 7h10M18 7h2M4 17h4M12 17h8M16 5v4M10 15v4',
  discover: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM15.500 8.500l-2 5-5 2 2-5z',
  create: 'M12 5v14M5 12h14',
  remove: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  upload: 'M12 16V5M7 10l5-5 5 5M5 19h14',
  bootstrap: 'M12 3v9M8 8l4 4 4-4M6 14h12v6H6zM9 17h.01',
  book: 'M5 4h9a3 3 0 0 1 3 3v13H8a3 3 0 0 1-3-3zM5 17a3 3 0 0 1 3-3h9',
  back: 'M15 5l-7 7 7 7',
  down: 'M6 9l6 6 6-6',
  up: 'M6 15l6-6 6 6',
  security: 'M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6z',
  lock: 'M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 7 0v3',
  unlock: 'M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 6.800-1.200',
  copy: 'M9 9h10v11H9zM5 15V4h10',
  clock: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3 2',
} as const;

export type IconName = keyof typeof STROKES;

export const Icon = ({ name, size = 18 }: { readonly name: IconName; readonly size?: number }): JSX.Element => (
  <svg
    width={size}
    height={size}
    viewBox="0 0 24 24"
    fill="none"
    stroke="currentColor"
    strokeWidth={name === 'more' ? 3 : 1.8}
    strokeLinecap="round"
    strokeLinejoin="round"
    aria-hidden="true"
    focusable="false"
  >
    <path d={STROKES[name]} />
  </svg>
);
