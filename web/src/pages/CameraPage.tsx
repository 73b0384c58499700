/** One camera: what it shows, how it fared in the last day, its neighbours, its incidents. */
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";

import { api, data, type Schemas } from "../api/client";
import { useMay, useMe } from "../api/me";
import { Live } from "../live/Live";
import { Empty, Waiting, Wrong } from "../parts/states";
import { clock, span, useNow } from "../parts/time";

const DAY_S = 86_400;

export default function CameraPage() {
  const { id = "" } = useParams();
  const { t, i18n } = useTranslation();
  const me = useMe();
  const may = useMay();
  const now = useNow(30);
  const camera = useQuery({
    queryKey: ["camera", id],
    queryFn: () => data(api.GET("/api/v1/cameras/{camera_id}", { params: { path: { camera_id: id } } })),
  });
  if (camera.isPending) return <Waiting />;
  if (camera.error) return <main className="page"><Wrong error={camera.error} /></main>;
  const found = camera.data;
  const state = found.state;
  return (
    <main className="page">
      <header className="row">
        <h1 className="grow">{found.name}</h1>
        {may("zone.read") && <Link className="button" to={`/cameras/${encodeURIComponent(id)}/zones`}>{t("zones.link")}</Link>}
        {may("observation.read") && <Link className="button" to={`/dash?camera=${encodeURIComponent(id)}`}>{t("dash.measurements")}</Link>}
        <span className={`chip ${found.condition}`}>{t(`condition.${found.condition}`)}</span>
      </header>
      {state && found.condition !== "up" && (
        <div className="note wrong" role="status">
          <strong>{t(`condition.${found.condition}`)}</strong>: {state.reason ? t(`reason.${state.reason}`, state.reason) : t("camera.noReason")}.{" "}
          {t("camera.since", { at: clock(state.since_s, i18n.language, me.timezone), span: span(now - state.since_s, i18n.language) })}{" "}
          {state.reason && i18n.exists(`todo.${state.reason}`) ? t(`todo.${state.reason}`) : ""}
        </div>
      )}
      <div className="columns">
        <div className="page-column">
          {may("camera.still") && <Live cameraId={id} masks={found.masks} />}
          <Day id={id} />
          <CameraIncidents id={id} />
        </div>
        <div className="page-column">
          <section className="panel">
            <table>
              <tbody>
                <tr><th scope="row">{t("camera.code")}</th><td>{found.id}</td></tr>
                <tr><th scope="row">{t("camera.area")}</th><td>{found.area_code}</td></tr>
                <tr><th scope="row">{t("camera.owner")}</th><td>{t(`owner.${found.owner_class}`)}{found.owner ? ` · ${found.owner}` : ""}</td></tr>
                <tr><th scope="row">{t("camera.heading")}</th><td>{found.heading_deg == null ? "–" : `${Math.round(found.heading_deg)}°`}</td></tr>
                <tr><th scope="row">{t("camera.view")}</th><td>{found.field_of_view_deg == null ? "–" : `${Math.round(found.field_of_view_deg)}°`}</td></tr>
                <tr><th scope="row">{t("camera.public")}</th><td>{found.is_public ? t("yes") : t("no")}{found.public_reason ? ` · ${found.public_reason}` : ""}</td></tr>
                <tr><th scope="row">{t("camera.lastFrame")}</th><td>{state?.last_frame_at_s ? clock(state.last_frame_at_s, i18n.language, me.timezone) : "–"}</td></tr>
                {found.stream_url && <tr><th scope="row">{t("camera.stream")}</th><td className="break">{found.stream_url}</td></tr>}
              </tbody>
            </table>
          </section>
          {found.place && <Near id={id} place={found.place} />}
        </div>
      </div>
    </main>
  );
}

function Day({ id }: { id: string }) {
  const { t, i18n } = useTranslation();
  const me = useMe();
  const until = Math.ceil(useNow(60) / 60) * 60;
  const from = until - DAY_S;
  const spans = useQuery({
    queryKey: ["camera", id, "conditions", until],
    queryFn: () => data(api.GET("/api/v1/cameras/{camera_id}/conditions", { params: { path: { camera_id: id }, query: { from_s: from, to_s: until } } })),
  });
  if (!spans.data) return null;
  const rows = spans.data.map((row) => ({ ...row, start: Math.max(from, row.since_s), end: Math.min(until, row.until_s ?? until) })).filter((row) => row.end > row.start);
  const up = rows.filter((row) => row.condition === "up").reduce((sum, row) => sum + row.end - row.start, 0);
  const known = rows.reduce((sum, row) => sum + row.end - row.start, 0);
  const percent = new Intl.NumberFormat(i18n.language, { style: "percent", maximumFractionDigits: 1 });
  return (
    <section className="panel">
      <h2>{t("camera.day")}</h2>
      {known === 0 ? (
        <Empty text={t("camera.dayNone")} />
      ) : (
        <>
          <p>{t("camera.dayUp", { share: percent.format(up / known), known: span(known, i18n.language) })}</p>
          <div className="spans" aria-hidden="true">
            <span style={{ flex: Math.max(0, rows[0]!.start - from) }} />
            {rows.map((row) => <span key={row.since_s} className={row.condition} style={{ flex: row.end - row.start }} />)}
          </div>
          <details>
            <summary>{t("table")}</summary>
            <table>
              <tbody>
                {rows.map((row) => (
                  <tr key={row.since_s}>
                    <td className="number">{clock(row.start, i18n.language, me.timezone)}</td>
                    <td><span className={`chip ${row.condition}`}>{t(`condition.${row.condition}`)}</span></td>
                    <td>{row.reason ? t(`reason.${row.reason}`, row.reason) : ""}</td>
                    <td className="number">{span(row.end - row.start, i18n.language)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </details>
        </>
      )}
    </section>
  );
}

function CameraIncidents({ id }: { id: string }) {
  const { t, i18n } = useTranslation();
  const me = useMe();
  const incidents = useQuery({
    queryKey: ["incidents", "camera", id],
    queryFn: () => data(api.GET("/api/v1/incidents", { params: { query: { camera_id: id, limit: 20 } } })),
  });
  return (
    <section className="panel">
      <h2>{t("camera.incidents")}</h2>
      {incidents.data?.rows.length === 0 && <Empty text={t("camera.noIncidents")} />}
      <table>
        <tbody>
          {incidents.data?.rows.map((incident) => (
            <tr key={incident.id}>
              <td className="number">{clock(incident.opened_at_s, i18n.language, me.timezone)}</td>
              <td><Link to={`/incidents/${incident.id}`}>{incident.title}</Link></td>
              <td>{t(`incidentState.${incident.state}`)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Near({ id, place }: { id: string; place: Schemas["Place"] }) {
  const { t, i18n } = useTranslation();
  const near = useQuery({
    queryKey: ["cameras", "near", id],
    queryFn: () => data(api.GET("/api/v1/cameras/nearest", { params: { query: { lat: place.lat_deg, lon: place.lon_deg, limit: 7 } } })),
  });
  const metres = new Intl.NumberFormat(i18n.language, { style: "unit", unit: "meter", maximumFractionDigits: 0 });
  return (
    <section className="panel">
      <h2>{t("camera.near")}</h2>
      <table>
        <tbody>
          {near.data?.filter((other) => other.camera.id !== id).slice(0, 6).map((other) => (
            <tr key={other.camera.id}>
              <td><Link to={`/cameras/${encodeURIComponent(other.camera.id)}`}>{other.camera.name}</Link></td>
              <td className="number">{metres.format(other.distance_m)}</td>
              <td><span className={`chip ${other.camera.condition}`}>{t(`condition.${other.camera.condition}`)}</span></td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
