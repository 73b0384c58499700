/** Listens to the service's changes, and lets go of what they make stale. The browser resumes by the last event's number. */
import type { QueryClient } from "@tanstack/react-query";

interface Change {
  topic: string;
  id: string;
}

const STALE: Record<string, readonly string[]> = {
  incident: ["incidents", "incident", "counts"],
  state: ["cameras", "camera", "map", "counts"],
  camera: ["cameras", "camera", "map", "counts"],
  area: ["areas"],
  zone: ["zones"],
};

export type Link = "live" | "lost";

export function listen(client: QueryClient, onLink: (link: Link) => void): () => void {
  const source = new EventSource("/api/v1/changes");
  source.onopen = () => onLink("live");
  source.onerror = () => onLink("lost");
  source.addEventListener("changes", (event) => {
    const changes = JSON.parse((event as MessageEvent<string>).data) as Change[];
    const topics = new Set(changes.flatMap((change) => STALE[change.topic] ?? []));
    for (const topic of topics) void client.invalidateQueries({ queryKey: [topic] });
  });
  source.addEventListener("reset", () => void client.invalidateQueries());
  return () => source.close();
}
