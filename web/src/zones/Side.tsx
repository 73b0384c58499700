/** Beside the picture: the list of what is drawn, what can be added, and the form of the chosen thing. */
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { api, data } from "../api/client";
import { Empty } from "../parts/states";
import { addLine, addZone, remove, type Chosen, type Drawing, type Point } from "./drawing";
import { LineForm, same, ZoneForm } from "./Forms";
import { GroundForm, startGround } from "./GroundForm";

interface Props {
  drawing: Drawing;
  chosen: Chosen | null;
  pen: Point[] | null;
  mayDraw: boolean;
  edit: (next: Drawing) => void;
  setChosen: (chosen: Chosen | null) => void;
  startPen: () => void;
  finishPen: () => void;
  dropPen: () => void;
}

export function Side({ drawing, chosen, pen, mayDraw, edit, setChosen, startPen, finishPen, dropPen }: Props) {
  const { t } = useTranslation();
  const kinds = useQuery({ queryKey: ["zones", "kinds"], queryFn: () => data(api.GET("/api/v1/zones/kinds")), staleTime: Infinity });
  const found = kinds.data ?? {};
  const entries: { chosen: Chosen; name: string; kind: string }[] = [
    ...drawing.zones.map((zone, index) => ({ chosen: { what: "zone" as const, index }, name: zone.name || zone.id, kind: t(`zones.kinds.${zone.kind}`, zone.kind) })),
    ...drawing.lines.map((line, index) => ({ chosen: { what: "line" as const, index }, name: line.name || line.id, kind: t("zones.line") })),
    ...(drawing.ground ? [{ chosen: { what: "ground" as const }, name: t("zones.ground"), kind: "" }] : []),
  ];
  const add = (next: Drawing, what: Chosen) => {
    edit(next);
    setChosen(what);
  };
  return (
    <div className="zones-side">
      <section className="panel">
        <h2>{t("zones.list")}</h2>
        {entries.length === 0 && <Empty text={t("zones.none")} />}
        <ul className="zones-list">
          {entries.map((entry) => (
            <li key={`${entry.chosen.what} ${entry.name} ${"index" in entry.chosen ? entry.chosen.index : ""}`}>
              <button aria-pressed={same(chosen, entry.chosen)} onClick={() => setChosen(entry.chosen)}>
                {entry.name} <span className="soft small">{entry.kind}</span>
              </button>
            </li>
          ))}
        </ul>
        {mayDraw && !pen && (
          <div className="row">
            <button onClick={() => add(addZone(drawing, Object.keys(found)[0] ?? "crowd"), { what: "zone", index: drawing.zones.length })}>{t("zones.add")}</button>
            <button onClick={startPen}>{t("zones.draw")}</button>
            <button onClick={() => add(addLine(drawing), { what: "line", index: drawing.lines.length })}>{t("zones.addLine")}</button>
            {!drawing.ground && <button onClick={() => add(startGround(drawing), { what: "ground" })}>{t("zones.addGround")}</button>}
          </div>
        )}
        {pen && (
          <div className="row">
            <span role="status">{t("zones.drawing")}</span>
            <button className="primary" disabled={pen.length < 3} onClick={finishPen}>{t("zones.finish")}</button>
            <button onClick={dropPen}>{t("zones.cancel")}</button>
          </div>
        )}
      </section>
      {chosen && (
        <fieldset className="panel zones-form" disabled={!mayDraw}>
          {chosen.what === "zone" && <ZoneForm drawing={drawing} index={chosen.index} change={edit} kinds={found} />}
          {chosen.what === "line" && <LineForm drawing={drawing} index={chosen.index} change={edit} />}
          {chosen.what === "ground" && <GroundForm drawing={drawing} change={edit} />}
          {mayDraw && <div><button onClick={() => (edit(remove(drawing, chosen)), setChosen(null))}>{t("zones.remove")}</button></div>}
        </fieldset>
      )}
    </div>
  );
}
