/** Home: what needs somebody, beside where it is. */
import { useQuery } from "@tanstack/react-query";
import type { FeatureCollection } from "geojson";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { api, data } from "../api/client";
import { useMay } from "../api/me";
import { CityMap, type Incidents } from "../parts/CityMap";
import { Conditions } from "../parts/Conditions";
import { Queue, useQueue } from "../parts/Queue";
import { CameraSearch } from "../parts/CameraSearch";
import "./city.css";

const MINUTE_MS = 60_000;

export default function City() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const may = useMay();
  const [chosen, setChosen] = useState<string | null>(null);
  const cameras = useQuery({
    queryKey: ["map"],
    queryFn: async () => (await data(api.GET("/api/v1/cameras/geojson", { parseAs: "json" }))) as unknown as FeatureCollection,
    staleTime: 10_000,
  });
  const areas = useQuery({
    queryKey: ["areas", "kelurahan"],
    queryFn: async () =>
      (await data(api.GET("/api/v1/areas/geojson", { params: { query: { level: "kelurahan" } }, parseAs: "json" }))) as unknown as FeatureCollection,
    staleTime: 10 * MINUTE_MS,
    enabled: may("area.read"),
  });
  const queue = useQueue();
  const incidents = useMemo<Incidents>(
    () => ({
      type: "FeatureCollection",
      features: queue.rows.flatMap((incident) =>
        incident.place
          ? [
              {
                type: "Feature" as const,
                geometry: { type: "Point" as const, coordinates: [incident.place.lon_deg, incident.place.lat_deg] },
                properties: { id: incident.id, severity: incident.severity, title: incident.title },
              },
            ]
          : [],
      ),
    }),
    [queue.rows],
  );
  return (
    <main className="page full city">
      <section className="city-queue" aria-label={t("queue.title")}>
        <Queue queue={queue} chosen={chosen} onChosen={setChosen} />
      </section>
      <section className="city-map" aria-label={t("map.label")}>
        <CityMap
          cameras={cameras.data}
          areas={areas.data}
          incidents={incidents}
          chosen={chosen}
          onCamera={(id) => void navigate(`/cameras/${encodeURIComponent(id)}`)}
          onIncident={setChosen}
        />
        <div className="city-over">
          <CameraSearch />
          <Conditions />
        </div>
      </section>
    </main>
  );
}
