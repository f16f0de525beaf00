/** The 16-bit ids of the LwM2M model, branded so that one cannot stand in for another. 65535 is reserved (MAX_ID). */
import type { Branded } from '@lapwing/coap';

export type ObjectId = Branded<number, 'ObjectId'>;
export type ObjectInstanceId = Branded<number, 'ObjectInstanceId'>;
export type ResourceId = Branded<number, 'ResourceId'>;
export type ResourceInstanceId = Branded<number, 'ResourceInstanceId'>;
/** 1 to 65534. */
export type ShortServerId = Branded<number, 'ShortServerId'>;

/** Reserved id: "no instance" in Objlnk, "choose one" in Create, "object level" in Access Control. */
export const MAX_ID = 65535;

export type LwM2mVersion = '1.0' | '1.1' | '1.2';
