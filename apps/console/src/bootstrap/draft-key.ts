/** What tells apart the rows of a list that is edited: their places and contents change. */
let last = 0;

export const newKey = (): string => String(++last);
