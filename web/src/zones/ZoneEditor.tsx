/** Drawing on one camera's picture: zones, counting lines, the ground plane. Every save is a version, and older ones come back. */
import "./zones.css";

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";

import { useMay, useMe } from "../api/me";
import { Empty, Waiting, Wrong } from "../parts/states";
import { clock } from "../parts/time";
import { Canvas } from "./Canvas";
import { addZone, drawingOf, empty, insertPoint, movePoint, removePoint, type Chosen, type Drawing, type Point } from "./drawing";
import { checked, save, useVersions, useZones, type Stored } from "./stored";
import { Side } from "./Side";

export default function ZoneEditor() {
  const { id = "" } = useParams();
  const stored = useZones(id);
  if (stored.isPending) return <Waiting />;
  if (stored.error) return <main className="page"><Wrong error={stored.error} /></main>;
  return <Editor key={id} cameraId={id} stored={stored.data} />;
}

/** A drawing with its steps back. */
function useSteps(first: Drawing) {
  const [now, setNow] = useState(first);
  const past = useRef<Drawing[]>([]);
  const change = (next: Drawing, kept = true) => {
    if (kept) past.current = [...past.current.slice(-99), now];
    setNow(next);
  };
  const undo = () => {
    const before = past.current.pop();
    if (before) setNow(before);
  };
  return { now, change, undo, reset: (next: Drawing) => ((past.current = []), setNow(next)) };
}

function Editor({ cameraId, stored }: { cameraId: string; stored: Stored | null }) {
  const { t, i18n } = useTranslation();
  const me = useMe();
  const may = useMay();
  const client = useQueryClient();
  const [base, setBase] = useState(stored);
  const { now: drawing, change, undo, reset } = useSteps(stored ? drawingOf(stored.document) : empty(1280, 720));
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const [pen, setPen] = useState<Point[] | null>(null);
  const [turn, setTurn] = useState(0);
  const [told, setTold] = useState("");
  const mayDraw = may("zone.write");
  const saving = useMutation({
    mutationFn: () => save(cameraId, drawing, base?.version ?? 0),
    onSuccess: (fresh) => {
      setBase(fresh);
      setTold(t("zones.saved", { version: fresh.version }));
      void client.invalidateQueries({ queryKey: ["zones"] });
    },
  });
  const fits = useMutation({
    mutationFn: () => checked(cameraId),
    onSuccess: () => {
      setBase(base && { ...base, to_check_since_s: null });
      void client.invalidateQueries({ queryKey: ["zones"] });
    },
  });
  useEffect(() => {
    const keys = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key === "z" && !(event.target instanceof HTMLInputElement)) {
        event.preventDefault();
        undo();
      }
    };
    window.addEventListener("keydown", keys);
    return () => window.removeEventListener("keydown", keys);
  });
  const edit = (next: Drawing, kept = true) => {
    setTold(t("zones.unsaved"));
    change(next, kept);
  };
  const finishPen = () => {
    if (pen && pen.length >= 3) {
      edit(addZone(drawing, "crowd", pen));
      setChosen({ what: "zone", index: drawing.zones.length });
    }
    setPen(null);
  };
  const onSize = (width: number, height: number) => {
    // Only what nobody drew on takes the size of the picture; a drawing keeps the size in which its points were read.
    const untouched = drawing.zones.length + drawing.lines.length === 0 && !drawing.ground;
    if (untouched && width > 0 && (drawing.size_px[0] !== width || drawing.size_px[1] !== height)) reset(empty(width, height));
  };
  const restore = (version: Stored) => {
    edit(drawingOf(version.document));
    setChosen(null);
    setTold(t("zones.restored", { version: version.version }));
  };
  return (
    <main className="page">
      <header className="row">
        <h1 className="grow">{t("zones.title", { camera: cameraId })}</h1>
        {base && <span className="soft">{t("zones.version", { version: base.version })}</span>}
        {may("rule.read") && <Link className="button" to={`/rules?camera=${encodeURIComponent(cameraId)}`}>{t("rules.title")}</Link>}
        <Link className="button" to={`/cameras/${encodeURIComponent(cameraId)}`}>{t("dash.camera")}</Link>
      </header>
      {!mayDraw && <p className="note">{t("zones.readOnly")}</p>}
      {base?.to_check_since_s != null && (
        <div className="note wrong row" role="status">
          <span className="grow">{t("zones.toCheck", { at: clock(base.to_check_since_s, i18n.language, me.timezone) })}</span>
          {mayDraw && <button onClick={() => fits.mutate()}>{t("zones.fitted")}</button>}
        </div>
      )}
      {saving.error && <Wrong error={saving.error} />}
      {fits.error && <Wrong error={fits.error} />}
      <div className="zones-columns">
        <section className="zones-form">
          <Canvas
            {...{ cameraId, turn, drawing, chosen, pen, onSize }}
            onChoice={setChosen}
            onMove={(at, to, kept) => chosen && mayDraw && edit(movePoint(drawing, chosen, at, to), kept)}
            onInsert={(at) => chosen?.what === "zone" && mayDraw && edit(insertPoint(drawing, chosen.index, at))}
            onRemove={(at) => chosen?.what === "zone" && mayDraw && edit(removePoint(drawing, chosen.index, at))}
            onPen={(point) => setPen((before) => before && [...before, point])}
          />
          <p className="soft small">{t("zones.hint")}</p>
          <div className="row">
            <button onClick={() => setTurn(turn + 1)}>{t("zones.refresh")}</button>
            {mayDraw && <button onClick={undo}>{t("zones.undo")}</button>}
            {mayDraw && <button className="primary" disabled={saving.isPending} onClick={() => saving.mutate()}>{t("zones.save")}</button>}
            <span role="status">{told}</span>
          </div>
        </section>
        <Side {...{ drawing, chosen, pen, mayDraw, edit, setChosen, finishPen }} startPen={() => (setChosen(null), setPen([]))} dropPen={() => setPen(null)} />
      </div>
      <Versions cameraId={cameraId} {...(mayDraw ? { onRestore: restore } : {})} />
    </main>
  );
}

function Versions({ cameraId, onRestore }: { cameraId: string; onRestore?: (version: Stored) => void }) {
  const { t, i18n } = useTranslation();
  const me = useMe();
  const versions = useVersions(cameraId);
  if (versions.error) return <Wrong error={versions.error} />;
  return (
    <section className="panel scroll" tabIndex={0}>
      <h2>{t("zones.versions")}</h2>
      {versions.data?.length === 0 && <Empty text={t("zones.none")} />}
      <table>
        <tbody>
          {versions.data?.map((version) => (
            <tr key={version.version}>
              <td className="number">{version.version}</td>
              <td className="number">{clock(version.at_s, i18n.language, me.timezone)}</td>
              <td>{version.author}</td>
              <td>{onRestore && <button onClick={() => onRestore(version)}>{t("zones.restore")}<span className="visually-hidden"> {version.version}</span></button>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
