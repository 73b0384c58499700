/** What the watch took of an incident's events: a still and a clip each, at once. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "../api/client";
import { useMay, useMe } from "../api/me";
import { clock } from "./time";

type Sight = { id: string; camera_id: string; started_at_s: number };

export function Seen({ id }: { id: string }) {
  const { t, i18n } = useTranslation();
  const me = useMe();
  const may = useMay();
  const [chosen, setChosen] = useState<string | null>(null);
  const events = useQuery({
    queryKey: ["incident", id, "events"],
    queryFn: () => data(api.GET("/api/v1/incidents/{incident_id}/events", { params: { path: { incident_id: id } } })),
  });
  const rows = events.data?.rows ?? [];
  const event = rows.find((row) => row.id === chosen) ?? rows[0];
  if (!may("camera.still") || !event) return null;
  const at = (row: Sight) => clock(row.started_at_s, i18n.language, me.timezone);
  return (
    <section className="panel seen" aria-label={t("seen.title")}>
      <div className="row">
        <h2 className="grow">{t("seen.title")}</h2>
        {rows.length > 1 && (
          <select aria-label={t("seen.which")} value={event.id} onChange={(change) => setChosen(change.target.value)}>
            {rows.map((row) => <option key={row.id} value={row.id}>{at(row)} · {row.camera_id}</option>)}
          </select>
        )}
      </div>
      <Pictures key={event.id} incidentId={id} event={event} at={at(event)} />
      <p className="soft small">{t("seen.masked")}</p>
    </section>
  );
}

function Pictures({ incidentId, event, at }: { incidentId: string; event: Sight; at: string }) {
  const { t } = useTranslation();
  const [missing, setMissing] = useState({ still: false, clip: false });
  const base = `/api/v1/incidents/${encodeURIComponent(incidentId)}/events/${encodeURIComponent(event.id)}`;
  const about = { camera: event.camera_id, at };
  return (
    <div className="seen-pair">
      <div className="still">
        {missing.still
          ? <p>{t("seen.noStill")}</p>
          : <img src={`${base}/still`} alt={t("seen.still", about)} onError={() => setMissing((was) => ({ ...was, still: true }))} />}
      </div>
      <div className="still">
        {missing.clip
          ? <p>{t("seen.noClip")}</p>
          : <video src={`${base}/clip`} controls muted autoPlay loop playsInline preload="metadata" aria-label={t("seen.clip", about)} onError={() => setMissing((was) => ({ ...was, clip: true }))} />}
      </div>
    </div>
  );
}
