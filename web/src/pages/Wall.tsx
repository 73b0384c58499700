/** The video wall: chosen tiles are live, the rest are stills; sets are kept on this machine; a new severe incident takes a tile. */
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";

import { api, data } from "../api/client";
import { Live } from "../live/Live";
import "../live/live.css";
import { Still } from "../parts/Still";

const LAYOUTS = [1, 4, 6, 9, 16, 25] as const;
const MOST_LIVE = 16;
const SETS = "sewu.wall.sets";

type Sets = Record<string, string[]>;
const kept = (): Sets => JSON.parse(localStorage.getItem(SETS) ?? "{}") as Sets;

export default function Wall() {
  const { t } = useTranslation();
  const [wanted, setWanted] = useSearchParams();
  const layout = Number(wanted.get("layout") ?? 9);
  const chosen = useMemo(() => wanted.get("cameras")?.split(",").filter(Boolean) ?? null, [wanted]);
  const [alarm, setAlarm] = useState<string | null>(null);
  const [sets, setSets] = useState<Sets>(kept);
  const [tourS, setTourS] = useState(0);
  const [turn, setTurn] = useState(0);
  const first = useQuery({
    queryKey: ["cameras", "wall"],
    queryFn: () => data(api.GET("/api/v1/cameras", { params: { query: { condition: "up", limit: 100 } } })),
    enabled: chosen === null,
  });
  const incidents = useQuery({
    queryKey: ["incidents", "wall"],
    queryFn: () => data(api.GET("/api/v1/incidents", { params: { query: { state: ["open"], severity: ["critical", "high"], limit: 1 } } })),
  });
  const newest = incidents.data?.rows[0];
  const seen = useQuery({
    queryKey: ["incident", newest?.id, "cameras"],
    queryFn: () => data(api.GET("/api/v1/incidents/{incident_id}/cameras", { params: { path: { incident_id: newest!.id } } })),
    enabled: newest !== undefined,
  });
  useEffect(() => setAlarm(seen.data?.[0] ?? null), [seen.data]);
  useEffect(() => {
    if (tourS === 0) return undefined;
    const timer = setInterval(() => setTurn((before) => before + 1), tourS * 1000);
    return () => clearInterval(timer);
  }, [tourS]);
  const all = chosen ?? first.data?.rows.map((camera) => camera.id) ?? [];
  const page = all.length > layout ? turn % Math.ceil(all.length / layout) : 0;
  const shown = all.slice(page * layout, (page + 1) * layout);
  const tiles = alarm !== null && !shown.includes(alarm) && wanted.get("alarm") !== "off" ? [alarm, ...shown].slice(0, layout) : shown;
  const set = (name: string, value: string) =>
    setWanted((before) => {
      before.set(name, value);
      return before;
    }, { replace: true });
  const save = () => {
    const name = prompt(t("wall.name"));
    if (!name) return;
    const next = { ...sets, [name]: all.slice(0, 100) };
    localStorage.setItem(SETS, JSON.stringify(next));
    setSets(next);
  };
  return (
    <main className="page full wall">
      <div className="row queue-head">
        <h1>{t("wall.title")}</h1>
        <div className="row" role="group" aria-label={t("wall.layout")}>
          {LAYOUTS.map((count) => (
            <button key={count} aria-pressed={layout === count} className={layout === count ? "primary" : ""} onClick={() => set("layout", String(count))}>
              {count === 6 ? "1+5" : count}
            </button>
          ))}
        </div>
        <select aria-label={t("wall.sets")} value="" onChange={(event) => set("cameras", (sets[event.target.value] ?? []).join(","))}>
          <option value="">{t("wall.sets")}</option>
          {Object.keys(sets).map((name) => <option key={name}>{name}</option>)}
        </select>
        <button onClick={save}>{t("wall.save")}</button>
        <select aria-label={t("wall.tour")} value={tourS} onChange={(event) => setTourS(Number(event.target.value))}>
          <option value={0}>{t("wall.noTour")}</option>
          {[10, 20, 60].map((seconds) => <option key={seconds} value={seconds}>{t("wall.every", { seconds })}</option>)}
        </select>
        <AddCamera onAdd={(id) => set("cameras", [...new Set([id, ...all])].slice(0, 100).join(","))} />
      </div>
      <div className={`wall-grid n${layout}`}>
        {tiles.map((id, index) => (
          <div key={id} className={`tile ${id === alarm ? "alarm" : ""}`}>
            {index < MOST_LIVE ? <Live cameraId={id} /> : <Still cameraId={id} />}
            <div className="tile-name">
              <Link to={`/cameras/${encodeURIComponent(id)}`} className="grow clip">{id}</Link>
              {id === alarm && newest && <Link to={`/incidents/${newest.id}`}>{newest.title}</Link>}
              <button aria-label={t("wall.remove", { camera: id })} onClick={() => set("cameras", all.filter((other) => other !== id).join(","))}>×</button>
            </div>
          </div>
        ))}
        {tiles.length === 0 && <p className="soft center">{t("wall.none")}</p>}
      </div>
    </main>
  );
}

function AddCamera({ onAdd }: { onAdd: (id: string) => void }) {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const found = useQuery({
    queryKey: ["cameras", "search", text],
    queryFn: () => data(api.GET("/api/v1/cameras", { params: { query: { search: text, limit: 8 } } })),
    enabled: text.length >= 2,
  });
  return (
    <form onSubmit={(event) => { event.preventDefault(); const id = found.data?.rows[0]?.id; if (id) { onAdd(id); setText(""); } }}>
      <input type="search" list="wall-found" value={text} placeholder={t("wall.add")} aria-label={t("wall.add")} onChange={(event) => setText(event.target.value)} />
      <datalist id="wall-found">{found.data?.rows.map((camera) => <option key={camera.id} value={camera.id}>{camera.name}</option>)}</datalist>
    </form>
  );
}
