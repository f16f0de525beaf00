/** The registration the fleets of the benchmarks send: ten links. */
export const TEN_LINKS: string =
  '</>;rt="oma.lwm2m";ct=110,</1/0>,</2/0>,</3/0>;ver=1.1,</4/0>,</5/0>,</6/0>,</7/0>,</3303/0>,</3304/0>';
