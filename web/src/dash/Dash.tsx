/** Dashboards per use. What is looked at is in the address, so that it can be sent to somebody. */
import "./dash.css";

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";

import { api, data } from "../api/client";
import { useMay, useMe } from "../api/me";
import { CameraSearch } from "../parts/CameraSearch";
import { Empty, Waiting, Wrong } from "../parts/states";
import { useNow } from "../parts/time";
import { useZones } from "../zones/stored";
import { CityDash } from "./CityDash";
import { FIRST, RANGES, USES, type Range, type Use } from "./measures";
import { MetricCard } from "./MetricCard";
import { PURPOSES, type Purpose } from "./saving";

export default function Dash() {
  const { t } = useTranslation();
  const [wanted, setWanted] = useSearchParams();
  const use = wanted.get("use") ?? (wanted.get("camera") ? "crowd" : "city");
  const address = (changes: Record<string, string>) => `/dash?${new URLSearchParams({ ...Object.fromEntries(wanted), ...changes })}`;
  const set = (name: string, value: string) =>
    setWanted((before) => {
      if (value) before.set(name, value);
      else before.delete(name);
      return before;
    }, { replace: true });
  return (
    <main className="page">
      <header className="row dash-head">
        <h1>{t("dash.title")}</h1>
        <nav className="dash-tabs grow" aria-label={t("dash.use")}>
          <Link to={address({ use: "city" })} {...(use === "city" ? { "aria-current": "page" as const } : {})}>{t("dash.city")}</Link>
          {USES.map((name) => (
            <Link key={name} to={address({ use: name })} {...(use === name ? { "aria-current": "page" as const } : {})}>{t(`dash.uses.${name}`)}</Link>
          ))}
        </nav>
      </header>
      {isUse(use) ? <CameraDash use={use} wanted={wanted} set={set} address={address} /> : <CityDash />}
    </main>
  );
}

const isUse = (name: string): name is Use => (USES as readonly string[]).includes(name);

interface CameraProps {
  use: Use;
  wanted: URLSearchParams;
  set: (name: string, value: string) => void;
  address: (changes: Record<string, string>) => string;
}

function CameraDash({ use, wanted, set, address }: CameraProps) {
  const { t } = useTranslation();
  const me = useMe();
  const may = useMay();
  const cameraId = wanted.get("camera");
  const range = (wanted.get("range") ?? "24h") as Range;
  const [purpose, setPurpose] = useState<Purpose | "">(me.purpose ?? "");
  const [showsAll, setShowsAll] = useState(false);
  return (
    <>
      <div className="row dash-head">
        <CameraSearch to={(id) => address({ camera: id })} />
        {cameraId && <ZoneChoice cameraId={cameraId} zoneId={wanted.get("zone")} onChoice={(zone) => set("zone", zone)} />}
        <label>
          {t("dash.range")}
          <select value={range} onChange={(event) => set("range", event.target.value)}>
            {Object.keys(RANGES).map((name) => <option key={name} value={name}>{t(`dash.ranges.${name}`)}</option>)}
          </select>
        </label>
        {may("export") && (
          <label>
            {t("dash.exportFor")}
            <select value={purpose} onChange={(event) => setPurpose(event.target.value as Purpose | "")}>
              <option value="">–</option>
              {PURPOSES.map((name) => <option key={name} value={name}>{t(`purpose.${name}`)}</option>)}
            </select>
          </label>
        )}
        <label className="tick"><input type="checkbox" checked={showsAll} onChange={(event) => setShowsAll(event.target.checked)} />{t("dash.all")}</label>
      </div>
      {cameraId ? (
        <Cards key={cameraId} {...{ cameraId, use, range, showsAll }} zoneId={wanted.get("zone")} purpose={may("export") && purpose !== "" ? purpose : null} />
      ) : (
        <Empty text={t("dash.pick")} />
      )}
    </>
  );
}

interface CardsProps {
  cameraId: string;
  zoneId: string | null;
  use: Use;
  range: Range;
  showsAll: boolean;
  purpose: Purpose | null;
}

function Cards({ cameraId, zoneId, use, range, showsAll, purpose }: CardsProps) {
  const { t } = useTranslation();
  const { span_s, bucket_s } = RANGES[range] ?? RANGES["24h"];
  // Whole minutes: the question, and with it its answer, stays the same for a minute.
  const toS = Math.ceil(useNow(30) / 60) * 60;
  const camera = useQuery({ queryKey: ["camera", cameraId], queryFn: () => data(api.GET("/api/v1/cameras/{camera_id}", { params: { path: { camera_id: cameraId } } })) });
  const metrics = useQuery({ queryKey: ["metrics"], queryFn: () => data(api.GET("/api/v1/observations/metrics")), staleTime: Infinity });
  if (camera.error) return <Wrong error={camera.error} />;
  if (metrics.error) return <Wrong error={metrics.error} />;
  if (!camera.data || !metrics.data) return <Waiting />;
  const shown = (metrics.data[use] ?? []).filter((metric) => showsAll || FIRST[use].includes(metric.name));
  return (
    <>
      <p className="row">
        <Link to={`/cameras/${encodeURIComponent(cameraId)}`}>{camera.data.name}</Link>
        <span className="soft small">{cameraId}</span>
        <span className={`chip ${camera.data.condition}`}>{t(`condition.${camera.data.condition}`)}</span>
      </p>
      <div className="dash-grid">
        {shown.map((metric) => (
          <MetricCard key={metric.name} {...{ cameraId, zoneId, use, metric, purpose, toS }} fromS={toS - span_s} bucketS={bucket_s} />
        ))}
      </div>
    </>
  );
}

function ZoneChoice({ cameraId, zoneId, onChoice }: { cameraId: string; zoneId: string | null; onChoice: (zone: string) => void }) {
  const { t } = useTranslation();
  const may = useMay();
  const zones = useZones(cameraId, may("zone.read"));
  const drawn = zones.data?.document as { zones?: { id: string; name?: string }[]; lines?: { id: string; name?: string }[] } | undefined;
  const entries = [...(drawn?.zones ?? []), ...(drawn?.lines ?? [])];
  return (
    <label>
      {t("dash.zone")}
      <select value={zoneId ?? ""} onChange={(event) => onChoice(event.target.value)}>
        <option value="">{t("dash.everyZone")}</option>
        {entries.map((entry) => <option key={entry.id} value={entry.id}>{entry.name || entry.id}</option>)}
      </select>
    </label>
  );
}
