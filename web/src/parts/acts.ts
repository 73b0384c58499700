/** What a person does about an incident. The version that was read goes along, so that two people cannot overwrite each other. */
import { api, data, type Schemas } from "../api/client";

export type Step = Schemas["WantedStep"]["action"];

export async function act(incident: Schemas["Incident"], action: Step, reason?: string, assignee?: string): Promise<Schemas["Incident"]> {
  return data(
    api.POST("/api/v1/incidents/{incident_id}/steps", {
      params: { path: { incident_id: incident.id }, header: { "if-match": `"v${incident.version}"` } },
      body: { action, ...(reason ? { reason } : {}), ...(assignee ? { assignee } : {}) },
    }),
  );
}
