/** Units as people write them, for those of the SenML units registry (RFC 8428 §12.1, RFC 8798) that look otherwise there. */

const SYMBOLS: ReadonlyMap<string, string> = new Map([
  ['/100', '%'],
  ['%', '%'],
  ['%RH', '% RH'],
  ['%EL', '%'],
  ['/1000', '‰'],
  ['Cel', '°C'],
  ['Ohm', 'Ω'],
  ['deg', '°'],
  ['lat', '°'],
  ['lon', '°'],
  ['m2', 'm²'],
  ['m3', 'm³'],
  ['m/s2', 'm/s²'],
  ['m3/s', 'm³/s'],
  ['W/m2', 'W/m²'],
  ['kg/m3', 'kg/m³'],
  ['cd/m2', 'cd/m²'],
  ['ug/m3', 'µg/m³'],
  ['count', ''],
  ['/', ''],
]);

/** The registered unit itself where it reads well. */
export const unitSymbol = (units: string): string => SYMBOLS.get(units.trim()) ?? units.trim();

/** A symbol as it stands after a number: with a space, but for degrees of an angle. */
export const besideNumber = (symbol: string): string => (symbol === '°' ? symbol : ` ${symbol}`);
