/** The project's mark: a lapwing, crest up. */
import type { JSX } from 'react';

export const Mark = ({ size }: { readonly size: number }): JSX.Element => (
  <svg width={size} height={size} viewBox="0 0 32 32" fill="none" aria-hidden="true" focusable="false">
    <path
      d="M11.2 9.6C8.6 8 6.2 4.9 5.6 2c2.2 2.7 5 4.2 7.9 5"
      stroke="var(--lapwing-plumage)"
      strokeWidth="1.9"
      strokeLinecap="round"
      strokeLinejoin="round"
    />
    <path d="M20.400 10.400l5.800 1.100-5.600 1.900z" fill="var(--lapwing-bill)" />
    <path
      d="M15.600 6.300c3.200 0 5.500 2.200 5.500 5.200 0 1.600-.5 2.600-.5 4 0 5.400-4.300 9.300-9.800 9.300-3.500 0-6.300-1.100-9-3.300 3-.2 4.900-1.100 6.200-2.700 1.500-1.900 1.500-4.300 1.900-7 .5-3.400 2.700-5.500 5.700-5.500z"
      fill="var(--lapwing-plumage)"
    />
    <path
      d="M20.300 17.200c-.7 4.300-4.400 7.500-9.200 7.600 1.500-3.700 4.600-6.700 9.200-7.600z"
      fill="var(--lapwing-belly)"
    />
    <path
      d="M12.300 24.600v4.600M15.700 23.600v5.600M10.400 29.400h3.300M13.900 29.400h3.300"
      stroke="var(--lapwing-bill)"
      strokeWidth="1.5"
      strokeLinecap="round"
    />
    <circle cx="17" cy="10.500" r="1.150" fill="var(--lapwing-eye)" />
  </svg>
);
