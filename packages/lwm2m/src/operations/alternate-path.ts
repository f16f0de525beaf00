/**
 * A Client may keep its Objects below a path of its own, "/lwm2m", announced by `</lwm2m>;rt="oma.lwm2m"` in its
 * registration. OMA TS Transport §6.4.1. Here it is text: "" for none, else absolute, without a trailing slash and
 * without percent-encoding.
 */

/** Its Uri-Path segments; none for "". */
export const pathSegments = (alternatePath: string): readonly string[] =>
  alternatePath === '' ? [] : alternatePath.slice(1).split('/');
