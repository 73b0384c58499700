/** The ground plane: four points or more, each with its metres, and a length that nobody used, which shows a mistaken point. */
import { useTranslation } from "react-i18next";

import { middle, type Drawing, type Ground, type Point } from "./drawing";
import { Coordinate, PointTable } from "./Forms";
import { movePoint } from "./drawing";
import { distance, groundOf } from "./ground";

/** The service refuses a check that is off by more (cameras/zonefile.py). */
const TOLERANCE = 0.1;
const SQUARE_M: Point[] = [[0, 10], [5, 10], [5, 0], [0, 0]];

export function startGround(drawing: Drawing): Drawing {
  return { ...drawing, ground: { picture_px: middle(drawing), ground_m: SQUARE_M } };
}

export function GroundForm({ drawing, change }: { drawing: Drawing; change: (next: Drawing) => void }) {
  const { t } = useTranslation();
  const ground = drawing.ground;
  if (!ground) return null;
  if (!ground.picture_px || !ground.ground_m) {
    return (
      <div className="zones-form">
        <p>{t("zones.matrix")}</p>
        <div><button type="button" onClick={() => change(startGround(drawing))}>{t("zones.byPoints")}</button></div>
      </div>
    );
  }
  const { picture_px, ground_m } = ground;
  const put = (values: Partial<Ground>) => change({ ...drawing, ground: { ...ground, ...values } });
  const metre = (at: number, axis: 0 | 1, value: number) =>
    put({ ground_m: ground_m.map((old, index): Point => (index === at ? (axis === 0 ? [value, old[1]] : [old[0], value]) : old)) });
  const more = () => put({ picture_px: [...picture_px, middle(drawing)[0]], ground_m: [...ground_m, [0, 0]] });
  const fewer = () => put({ picture_px: picture_px.slice(0, -1), ground_m: ground_m.slice(0, -1) });
  return (
    <div className="zones-form">
      <p className="soft small">{t("zones.groundHow")}</p>
      <PointTable points={picture_px} onPoint={(at, to) => change(movePoint(drawing, { what: "ground" }, at, to))} />
      <fieldset className="zones-points">
        <legend className="soft small">{t("zones.metres")}</legend>
        {ground_m.map((point, at) => (
          <div className="row" key={at}>
            <span className="soft number">{at + 1}</span>
            <Coordinate label={t("zones.xMetres", { number: at + 1 })} value={point[0]} onValue={(value) => metre(at, 0, value)} />
            <Coordinate label={t("zones.yMetres", { number: at + 1 })} value={point[1]} onValue={(value) => metre(at, 1, value)} />
            <span className="soft">m</span>
          </div>
        ))}
      </fieldset>
      <div className="row">
        <button type="button" onClick={more}>{t("zones.pointMore")}</button>
        {picture_px.length > 4 && <button type="button" onClick={fewer}>{t("zones.pointFewer")}</button>}
      </div>
      <CheckForm drawing={drawing} change={change} />
    </div>
  );
}

function CheckForm({ drawing, change }: { drawing: Drawing; change: (next: Drawing) => void }) {
  const { t, i18n } = useTranslation();
  const ground = drawing.ground!;
  const check = ground.check;
  const map = groundOf(ground.picture_px ?? [], ground.ground_m ?? []);
  if (!map) return <div className="note wrong" role="status">{t("zones.noGround")}</div>;
  if (!check) {
    const [first, second] = middle(drawing);
    const start = () => change({ ...drawing, ground: { ...ground, check: { from_px: first, to_px: second, distance_m: Math.round(distance(map, first, second) * 10) / 10 || 1 } } });
    return <div><button type="button" onClick={start}>{t("zones.checkStart")}</button></div>;
  }
  const found = distance(map, check.from_px, check.to_px);
  const off = Math.abs(found - check.distance_m) / check.distance_m;
  const metres = new Intl.NumberFormat(i18n.language, { style: "unit", unit: "meter", maximumFractionDigits: 2 });
  const percent = new Intl.NumberFormat(i18n.language, { style: "percent", maximumFractionDigits: 0 });
  return (
    <>
      <label className="row">
        {t("zones.checkLength")}
        <Coordinate label={t("zones.checkLength")} value={check.distance_m} onValue={(value) => value > 0 && change({ ...drawing, ground: { ...ground, check: { ...check, distance_m: value } } })} />
      </label>
      <div className={off > TOLERANCE ? "note wrong" : "note"} role="status">
        {t("zones.checkFound", { found: metres.format(found), said: metres.format(check.distance_m), off: percent.format(off) })}{" "}
        {off > TOLERANCE && t("zones.checkOff")}
      </div>
    </>
  );
}
