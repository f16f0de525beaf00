/**
 * The arguments of an Execute: `0,2='10.3'`. OMA TS Core §6.3.5.
 *
 *     arglist = arg *( "," arg )      arg = DIGIT / DIGIT "=" "'" *CHAR "'"
 *     CHAR = "!" / %x23-26 / %x28-5B / %x5D-7E        (printable ASCII without blank, quotes and backslash)
 *
 * The specification's own example has a blank in a value, so reading accepts blanks; writing never makes one.
 */
import { UsageError } from '@lapwing/coap';
import { malformed } from '../malformed.ts';
import type { Malformed } from '../malformed.ts';

export interface ExecuteArgument {
  /** 0 to 9, each at most once. */
  readonly digit: number;
  /** Undefined for an argument without a value; an empty text is a value. */
  readonly value?: string | undefined;
}

const READABLE = /^[ !#-&(-[\]-~]*$/;
const WRITABLE = /^[!#-&(-[\]-~]*$/;

/** The arguments in an Execute's payload; an empty payload has none. Malformed is 4.00. */
export function parseExecuteArguments(text: string): readonly ExecuteArgument[] | Malformed {
  const given: ExecuteArgument[] = [];
  let at = 0;
  while (at < text.length) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return malformed(`a digit is expected at character ${at} of the arguments`);
    if (given.some((argument) => argument.digit === digit)) return malformed(`argument ${digit} is given twice`);
    at++;
    if (text[at] === '=') {
      const end = text[at + 1] === "'" ? text.indexOf("'", at + 2) : -1;
      if (end < 0) return malformed(`the value of argument ${digit} is not in single quotes`);
      const value = text.slice(at + 2, end);
      if (!READABLE.test(value)) return malformed(`the value of argument ${digit} has a character that is not allowed`);
      given.push({ digit, value });
      at = end + 1;
    } else {
      given.push({ digit });
    }
    if (at === text.length) break;
    if (text[at] !== ',' || at + 1 === text.length)
      return malformed(`"," and an argument are expected at character ${at}`);
    at++;
  }
  return given;
}

/** @throws UsageError for a digit that is none, comes twice, or a value with a character the grammar does not have. */
export function formatExecuteArguments(given: readonly ExecuteArgument[]): string {
  const seen = new Set<number>();
  const parts = given.map(({ digit, value }) => {
    if (!Number.isInteger(digit) || digit < 0 || digit > 9) {
      throw new UsageError(`an argument is named by a digit from 0 to 9, not ${digit}`);
    }
    if (seen.has(digit)) throw new UsageError(`argument ${digit} is given twice`);
    seen.add(digit);
    if (value === undefined) return String(digit);
    if (!WRITABLE.test(value)) {
      throw new UsageError(
        `the value of argument ${digit} has a blank, a quote, a backslash or a character that is not ASCII`,
      );
    }
    return `${digit}='${value}'`;
  });
  return parts.join(',');
}
