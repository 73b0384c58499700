/** One incident: what happened where, what to do, who did what. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";

import { api, data, type Schemas } from "../api/client";
import { useMay, useMe } from "../api/me";
import { act, type Step } from "../parts/acts";
import { Ask } from "../parts/Ask";
import { EvidencePanel } from "../parts/EvidencePanel";
import { Seen } from "../parts/Seen";
import "./incident.css";
import { Empty, Waiting, Wrong } from "../parts/states";
import { Live } from "../live/Live";
import { clock, span, useNow } from "../parts/time";

const NEEDS_REASON: readonly Step[] = ["false_alarm", "reopen"];

export default function IncidentPage() {
  const { id = "" } = useParams();
  const { t, i18n } = useTranslation();
  const me = useMe();
  const now = useNow();
  const path = { params: { path: { incident_id: id } } };
  const incident = useQuery({ queryKey: ["incident", id], queryFn: () => data(api.GET("/api/v1/incidents/{incident_id}", path)) });
  const cameras = useQuery({ queryKey: ["incident", id, "cameras"], queryFn: () => data(api.GET("/api/v1/incidents/{incident_id}/cameras", path)) });
  if (incident.isPending) return <Waiting />;
  if (incident.error) return <main className="page"><Wrong error={incident.error} /></main>;
  const found = incident.data;
  const at = (s: number | null | undefined) => (s == null ? "–" : clock(s, i18n.language, me.timezone));
  return (
    <main className="page">
      <header className="row">
        <h1 className="grow">{found.title}</h1>
        <span className={`chip ${found.severity}`}>{t(`severity.${found.severity}`)}</span>
        <span className="chip info">{t(`incidentState.${found.state}`)}</span>
      </header>
      <Acts incident={found} />
      <div className="columns">
        <div className="page-column">
          <Seen id={id} />
          {(cameras.data ?? []).slice(0, 4).map((camera) => (
            <section className="panel" key={camera}>
              <h2><Link to={`/cameras/${encodeURIComponent(camera)}`}>{camera}</Link></h2>
              <Live cameraId={camera} />
            </section>
          ))}
          <Events id={id} />
        </div>
        <div className="page-column">
          <section className="panel">
            <table>
              <tbody>
                <tr><th scope="row">{t("incident.kind")}</th><td>{t(`kind.${found.kind}`)}</td></tr>
                <tr><th scope="row">{t("incident.agency")}</th><td>{t(`agency.${found.agency}`, found.agency)}</td></tr>
                <tr><th scope="row">{t("incident.area")}</th><td>{found.area_code ?? "–"}</td></tr>
                <tr><th scope="row">{t("incident.began")}</th><td>{at(found.began_at_s)}</td></tr>
                <tr><th scope="row">{t("incident.opened")}</th><td>{at(found.opened_at_s)} ({span(now - found.opened_at_s, i18n.language)})</td></tr>
                <tr><th scope="row">{t("incident.acknowledgeBy")}</th><td>{found.acknowledged_at_s ? t("incident.done", { at: at(found.acknowledged_at_s) }) : at(found.acknowledge_by_s)}</td></tr>
                <tr><th scope="row">{t("incident.resolveBy")}</th><td>{found.resolved_at_s ? t("incident.done", { at: at(found.resolved_at_s) }) : at(found.resolve_by_s)}</td></tr>
              </tbody>
            </table>
          </section>
          <Checklist id={id} />
          <EvidencePanel id={id} />
          <Comments id={id} />
          <History id={id} />
        </div>
      </div>
    </main>
  );
}

function Acts({ incident }: { incident: Schemas["Incident"] }) {
  const { t } = useTranslation();
  const may = useMay();
  const client = useQueryClient();
  const [asking, setAsking] = useState<Step | "snooze" | null>(null);
  const [wrong, setWrong] = useState<unknown>(null);
  const steps = useQuery({
    queryKey: ["incident", incident.id, "steps", incident.version],
    queryFn: () => data(api.GET("/api/v1/incidents/{incident_id}/steps", { params: { path: { incident_id: incident.id } } })),
    enabled: may("incident.act"),
  });
  const run = async (work: () => Promise<unknown>) => {
    try {
      await work();
      setWrong(null);
      setAsking(null);
    } catch (error) {
      setWrong(error);
    }
    await client.invalidateQueries({ queryKey: ["incident", incident.id] });
    await client.invalidateQueries({ queryKey: ["incidents"] });
  };
  const take = (step: Step) => (NEEDS_REASON.includes(step) ? setAsking(step) : void run(() => act(incident, step)));
  const quiet = (reason: string) =>
    run(() =>
      data(
        api.POST("/api/v1/incidents/{incident_id}/snooze", {
          params: { path: { incident_id: incident.id } },
          body: { until_s: Date.now() / 1000 + 1800, reason },
        }),
      ),
    );
  if (!may("incident.act")) return null;
  return (
    <div>
      <div className="row">
        {(steps.data ?? []).filter((step) => step !== "assign").map((step, index) => (
          <button key={step} className={index === 0 ? "primary" : ""} onClick={() => take(step)}>{t(`act.${step}`)}</button>
        ))}
        <button onClick={() => setAsking("snooze")}>{t("act.snooze")}</button>
      </div>
      {asking !== null && (
        <Ask
          title={t(`act.${asking}`)}
          onCancel={() => setAsking(null)}
          onReason={(reason) => void (asking === "snooze" ? quiet(reason) : run(() => act(incident, asking, reason)))}
        />
      )}
      {wrong !== null && <Wrong error={wrong} />}
    </div>
  );
}

function Events({ id }: { id: string }) {
  const { t, i18n } = useTranslation();
  const me = useMe();
  const events = useQuery({
    queryKey: ["incident", id, "events"],
    queryFn: () => data(api.GET("/api/v1/incidents/{incident_id}/events", { params: { path: { incident_id: id } } })),
  });
  return (
    <section className="panel">
      <h2>{t("incident.events")}</h2>
      {events.data?.rows.length === 0 && <Empty text={t("incident.noEvents")} />}
      <table>
        <thead><tr><th>{t("incident.began")}</th><th>{t("incident.camera")}</th><th>{t("incident.zone")}</th><th>{t("incident.peak")}</th></tr></thead>
        <tbody>
          {events.data?.rows.map((event) => (
            <tr key={event.id}>
              <td className="number">{clock(event.started_at_s, i18n.language, me.timezone)}</td>
              <td>{event.camera_id}</td>
              <td>{event.zone_id ?? "–"}</td>
              <td className="number">{new Intl.NumberFormat(i18n.language, { maximumFractionDigits: 1 }).format(event.peak)} {t(`unit.${event.unit}`, event.unit)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Checklist({ id }: { id: string }) {
  const { t } = useTranslation();
  const may = useMay();
  const client = useQueryClient();
  const key = ["incident", id, "checklist"];
  const lines = useQuery({ queryKey: key, queryFn: () => data(api.GET("/api/v1/incidents/{incident_id}/checklist", { params: { path: { incident_id: id } } })) });
  const tick = async (line: string) => {
    await api.PUT("/api/v1/incidents/{incident_id}/checklist/{key}", { params: { path: { incident_id: id, key: line } } });
    await client.invalidateQueries({ queryKey: key });
  };
  if (!lines.data?.length) return null;
  return (
    <section className="panel">
      <h2>{t("incident.checklist")}</h2>
      {lines.data.map((line) => (
        <label key={line.key} className="tick">
          <input type="checkbox" checked={line.done_at_s != null} disabled={!may("incident.act") || line.done_at_s != null} onChange={() => void tick(line.key)} />
          {line.text}
        </label>
      ))}
    </section>
  );
}

function Comments({ id }: { id: string }) {
  const { t, i18n } = useTranslation();
  const may = useMay();
  const me = useMe();
  const client = useQueryClient();
  const key = ["incident", id, "comments"];
  const comments = useQuery({ queryKey: key, queryFn: () => data(api.GET("/api/v1/incidents/{incident_id}/comments", { params: { path: { incident_id: id } } })) });
  const [text, setText] = useState("");
  const write = async () => {
    await api.POST("/api/v1/incidents/{incident_id}/comments", { params: { path: { incident_id: id } }, body: { text } });
    setText("");
    await client.invalidateQueries({ queryKey: key });
  };
  return (
    <section className="panel">
      <h2>{t("incident.comments")}</h2>
      {comments.data?.map((comment) => (
        <p key={comment.id}>
          <span className="soft small">{clock(comment.at_s, i18n.language, me.timezone)} {comment.author}</span>
          <br />
          {comment.text}
        </p>
      ))}
      {may("incident.act") && (
        <form onSubmit={(event) => { event.preventDefault(); void write(); }}>
          <label>{t("incident.comment")}<textarea value={text} maxLength={4000} onChange={(event) => setText(event.target.value)} /></label>
          <button disabled={text.trim() === ""}>{t("incident.write")}</button>
        </form>
      )}
    </section>
  );
}

function History({ id }: { id: string }) {
  const { t, i18n } = useTranslation();
  const me = useMe();
  const history = useQuery({ queryKey: ["incident", id, "history"], queryFn: () => data(api.GET("/api/v1/incidents/{incident_id}/history", { params: { path: { incident_id: id } } })) });
  return (
    <section className="panel">
      <h2>{t("incident.history")}</h2>
      <ol className="history">
        {history.data?.map((entry, index) => (
          <li key={entry.number ?? index}>
            <span className="soft small number">{clock(entry.at_s, i18n.language, me.timezone)}</span> {t(`history.${entry.action}`, entry.action)}{" "}
            <span className="soft">{entry.actor}</span>
            {entry.reason ? <div>{entry.reason}</div> : null}
          </li>
        ))}
      </ol>
    </section>
  );
}
