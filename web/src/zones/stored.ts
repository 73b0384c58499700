/** What the service keeps of a camera's zones. */
import { useQuery } from "@tanstack/react-query";

import { api, data, Refusal, type Schemas } from "../api/client";

export type Stored = Schemas["ZoneVersion"];

/** The drawing in force; null where nothing was drawn. */
export const useZones = (cameraId: string, enabled = true) =>
  useQuery({
    queryKey: ["zones", cameraId],
    queryFn: async (): Promise<Stored | null> => {
      try {
        return await data(api.GET("/api/v1/cameras/{camera_id}/zones", { params: { path: { camera_id: cameraId } } }));
      } catch (error) {
        if (error instanceof Refusal && error.status === 404) return null;
        throw error;
      }
    },
    enabled,
  });

export const useVersions = (cameraId: string) =>
  useQuery({
    queryKey: ["zones", cameraId, "versions"],
    queryFn: () => data(api.GET("/api/v1/cameras/{camera_id}/zones/versions", { params: { path: { camera_id: cameraId } } })),
  });

/** Draws a new version; refused when somebody drew one since `version` was read. */
export const save = (cameraId: string, drawing: object, version: number): Promise<Stored> =>
  data(
    api.PUT("/api/v1/cameras/{camera_id}/zones", {
      params: { path: { camera_id: cameraId }, header: { "if-match": `"v${version}"` } },
      body: drawing as Schemas["ZoneFile"],
    }),
  );

export const checked = (cameraId: string) => api.POST("/api/v1/cameras/{camera_id}/zones/checked", { params: { path: { camera_id: cameraId } } });
