/** An Object definition as the REST API shows it. */
import type { ObjectDefinition } from '@lapwing/lwm2m';
import type { DefinitionJson, DefinitionSummaryJson } from './schemas.ts';

export function definitionSummary(definition: ObjectDefinition): DefinitionSummaryJson {
  const { id, name, version, urn, multiple, mandatory } = definition;
  return { objectId: id, name, version, urn, multiple, mandatory };
}

export function definitionJson(definition: ObjectDefinition): DefinitionJson {
  return {
    ...definitionSummary(definition),
    resources: [...definition.resources.values()].map((resource) => ({
      resourceId: resource.id,
      name: resource.name,
      operations: resource.operations,
      multiple: resource.multiple,
      mandatory: resource.mandatory,
      type: resource.type,
      range: resource.range,
      units: resource.units,
    })),
  };
}
