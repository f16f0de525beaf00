/** The firmware updates of all devices, live. */
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { api } from '../api/rest.ts';
import type { FirmwareUpdate } from '../api/shapes.ts';
import { FIRMWARE_UPDATES } from '../live/live-data.ts';

export const useFirmwareUpdates = (): UseQueryResult<readonly FirmwareUpdate[]> =>
  useQuery({
    queryKey: FIRMWARE_UPDATES,
    queryFn: async ({ signal }): Promise<readonly FirmwareUpdate[]> => (await api.firmwareUpdates(signal)).items,
  });
