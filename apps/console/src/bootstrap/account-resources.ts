/** The Resources of Security (0) and Server (1) that an account may name beyond its own members, by their names there. */
import type { MultipleJson, ResourcesJson, SettingJson } from '../api/bootstrap-shapes.ts';
import type { ObjectDefinition } from '../api/shapes.ts';
import { pointerTo, type Mistakes } from './mistakes.ts';
import { resourceDraftOf, resourceJson, type ResourceDraft } from './resource-draft.ts';

export const SECURITY_NAMES: ReadonlyMap<number, string> = new Map([
  [6, 'smsSecurityMode'],
  [7, 'smsBindingKeyParameters'],
  [8, 'smsBindingSecretKeys'],
  [9, 'lwm2mServerSmsNumber'],
  [14, 'sni'],
  [16, 'dtlsTlsCiphersuite'],
  [17, 'oscoreSecurityMode'],
  [18, 'groupsToUseByClient'],
  [19, 'signatureAlgorithmsSupportedByServer'],
  [20, 'signatureAlgorithmsToUseByClient'],
  [21, 'signatureAlgorithmCertsSupportedByServer'],
  [22, 'tls13FeaturesToUseByClient'],
  [23, 'tlsExtensionsSupportedByServer'],
  [24, 'tlsExtensionsToUseByClient'],
  [25, 'secondaryLwm2mServerUri'],
  [26, 'mqttServer'],
  [27, 'lwm2mCoseSecurity'],
  [28, 'rdsDestinationPort'],
  [29, 'rdsSourcePort'],
  [30, 'rdsApplicationId'],
]);

export const SERVER_NAMES: ReadonlyMap<number, string> = new Map([
  [2, 'defaultMinimumPeriod'],
  [3, 'defaultMaximumPeriod'],
  [5, 'disableTimeout'],
  [6, 'notificationStoringWhenDisabledOrOffline'],
  [10, 'apnLink'],
  [13, 'registrationPriorityOrder'],
  [14, 'initialRegistrationDelayTimer'],
  [15, 'registrationFailureBlock'],
  [16, 'bootstrapOnRegistrationFailure'],
  [17, 'communicationRetryCount'],
  [18, 'communicationRetryTimer'],
  [19, 'communicationSequenceDelayTimer'],
  [20, 'communicationSequenceRetryCount'],
  [21, 'trigger'],
  [22, 'preferredTransport'],
  [23, 'muteSend'],
  [24, 'alternateApnLinks'],
  [25, 'supportedServerVersions'],
  [26, 'defaultNotificationMode'],
  [27, 'profileIdHashAlgorithm'],
]);

/** Named Resources while a person edits them. Those that the table has not are kept as they came. */
export interface NamedDraft {
  readonly resources: readonly ResourceDraft[];
  readonly others: ResourcesJson;
}

export const NO_RESOURCES: NamedDraft = { resources: [], others: {} };

export const namedDraftOf = (
  json: ResourcesJson | undefined,
  names: ReadonlyMap<number, string>,
  definition: ObjectDefinition | undefined,
): NamedDraft => {
  const byName = new Map(Array.from(names, ([id, name]) => [name, id]));
  const resources: ResourceDraft[] = [];
  const others: Record<string, SettingJson | MultipleJson> = {};
  for (const [name, setting] of Object.entries(json ?? {})) {
    const id = byName.get(name);
    if (id === undefined) others[name] = setting;
    else resources.push(resourceDraftOf(id, setting, definition));
  }
  return { resources, others };
};

/** Undefined when there is none. @param pointer  of the member that holds them. */
export const namedJson = (
  { resources, others }: NamedDraft,
  names: ReadonlyMap<number, string>,
  pointer: string,
  mistakes: Mistakes,
): ResourcesJson | undefined => {
  const json: Record<string, SettingJson | MultipleJson> = { ...others };
  for (const resource of resources) {
    const name = names.get(resource.resourceId);
    if (name !== undefined) json[name] = resourceJson(resource, pointerTo(pointer, name), mistakes);
  }
  return Object.keys(json).length === 0 ? undefined : json;
};
