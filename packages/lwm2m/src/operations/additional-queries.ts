/** Parameters of a Register or a Bootstrap-Request beyond those of LwM2M, as Uri-Query options. RFC 7252 §5.10. */
import { encodeUtf8, UsageError } from '@lapwing/coap';

/** Control characters. */
const CONTROL = /\p{Cc}/u;
const MAX_QUERY_BYTES = 255;

/**
 * @param of  what they are said in, for messages.
 * @param isOwn  names that LwM2M gives a meaning there.
 * @throws UsageError for a parameter that no query can carry, or whose name is LwM2M's own.
 */
export function formatAdditionalQueries(
  parameters: Readonly<Record<string, string>>,
  of: string,
  isOwn: (name: string) => boolean,
): readonly string[] {
  return Object.entries(parameters).map(([name, value]) => {
    const query = `${name}=${value}`;
    if (name === '' || name.includes('=') || isOwn(name) || CONTROL.test(query))
      throw new UsageError(`"${name}" is no additional parameter of ${of}`);
    if (encodeUtf8(query).length > MAX_QUERY_BYTES)
      throw new UsageError(`the additional parameter "${shorten(name)}" is longer than ${MAX_QUERY_BYTES} bytes`);
    return query;
  });
}

const shorten = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text);
