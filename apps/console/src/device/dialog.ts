/** The dialogs of a device page: at most one is open. */
import type { ResourceDefinition } from '../api/shapes.ts';

export type Dialog =
  | {
      readonly kind: 'write';
      readonly path: string;
      readonly name: string;
      readonly resource: ResourceDefinition | undefined;
    }
  | { readonly kind: 'execute'; readonly path: string; readonly name: string }
  | { readonly kind: 'create'; readonly objectId: number; readonly name: string }
  | { readonly kind: 'writeResources'; readonly path: string; readonly objectId: number; readonly name: string }
  | { readonly kind: 'attributes'; readonly path: string; readonly name: string }
  | { readonly kind: 'writeComposite'; readonly paths: readonly string[]; readonly name: string }
  | { readonly kind: 'discover'; readonly path: string; readonly name: string }
  | { readonly kind: 'delete'; readonly path: string; readonly name: string }
  | {
      readonly kind: 'chart';
      readonly resourcePath: string;
      readonly path: string;
      readonly name: string;
      readonly units: string;
    };
