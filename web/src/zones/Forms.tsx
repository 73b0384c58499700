/** The chosen thing in words and numbers: everything that the mouse does can be typed. */
import { useTranslation } from "react-i18next";

import { insertPoint, movePoint, removePoint, type Chosen, type Drawing, type Point } from "./drawing";

interface Props {
  drawing: Drawing;
  index: number;
  change: (next: Drawing) => void;
}

export function ZoneForm({ drawing, index, change, kinds }: Props & { kinds: Record<string, string> }) {
  const { t } = useTranslation();
  const zone = drawing.zones[index];
  if (!zone) return null;
  const put = (values: Partial<typeof zone>) => change({ ...drawing, zones: drawing.zones.map((old, at) => (at === index ? { ...old, ...values } : old)) });
  return (
    <div className="zones-form">
      <label>
        {t("zones.kind")}
        <select value={zone.kind} onChange={(event) => put({ kind: event.target.value })}>
          {Object.keys(kinds).map((kind) => <option key={kind} value={kind}>{t(`zones.kinds.${kind}`, kind)}</option>)}
        </select>
      </label>
      <p className="soft small">{t(`zones.how.${zone.kind}`, kinds[zone.kind] ?? "")}</p>
      <label>{t("zones.name")}<input value={zone.name ?? ""} maxLength={200} onChange={(event) => put({ name: event.target.value })} /></label>
      <label>{t("zones.id")}<input value={zone.id} required maxLength={64} onChange={(event) => put({ id: event.target.value })} /></label>
      <PointTable
        points={zone.points_px}
        onPoint={(at, to) => change(movePoint(drawing, { what: "zone", index }, at, to))}
        onInsert={(at) => change(insertPoint(drawing, index, at))}
        {...(zone.points_px.length > 3 ? { onRemove: (at: number) => change(removePoint(drawing, index, at)) } : {})}
      />
    </div>
  );
}

export function LineForm({ drawing, index, change }: Props) {
  const { t } = useTranslation();
  const line = drawing.lines[index];
  if (!line) return null;
  const put = (values: Partial<typeof line>) => change({ ...drawing, lines: drawing.lines.map((old, at) => (at === index ? { ...old, ...values } : old)) });
  return (
    <div className="zones-form">
      <label>{t("zones.name")}<input value={line.name ?? ""} maxLength={200} onChange={(event) => put({ name: event.target.value })} /></label>
      <label>{t("zones.id")}<input value={line.id} required maxLength={64} onChange={(event) => put({ id: event.target.value })} /></label>
      <label>{t("zones.forward")}<input value={line.forward ?? ""} required maxLength={200} onChange={(event) => put({ forward: event.target.value })} /></label>
      <label>{t("zones.backward")}<input value={line.backward ?? ""} required maxLength={200} onChange={(event) => put({ backward: event.target.value })} /></label>
      <div><button type="button" onClick={() => put({ start_px: line.end_px, end_px: line.start_px })}>{t("zones.turn")}</button></div>
      <PointTable points={[line.start_px, line.end_px]} onPoint={(at, to) => change(movePoint(drawing, { what: "line", index }, at, to))} />
    </div>
  );
}

interface TableProps {
  points: readonly Point[];
  onPoint: (at: number, to: Point) => void;
  onInsert?: (at: number) => void;
  onRemove?: (at: number) => void;
}

export function PointTable({ points, onPoint, onInsert, onRemove }: TableProps) {
  const { t } = useTranslation();
  return (
    <fieldset className="zones-points">
      <legend className="soft small">{t("zones.points")}</legend>
      {points.map((point, at) => (
        <div className="row" key={at}>
          <span className="soft number">{at + 1}</span>
          <Coordinate label={t("zones.x", { number: at + 1 })} value={point[0]} onValue={(x) => onPoint(at, [x, point[1]])} />
          <Coordinate label={t("zones.y", { number: at + 1 })} value={point[1]} onValue={(y) => onPoint(at, [point[0], y])} />
          {onInsert && <button type="button" className="quiet" onClick={() => onInsert(at)} aria-label={t("zones.insert", { number: at + 1 })}>+</button>}
          {onRemove && <button type="button" className="quiet" onClick={() => onRemove(at)} aria-label={t("zones.removePoint", { number: at + 1 })}>×</button>}
        </div>
      ))}
    </fieldset>
  );
}

/** A number that is taken when it is one: while "-" or nothing stands there, the last number holds. */
export function Coordinate({ label, value, onValue, step = 1 }: { label: string; value: number; onValue: (value: number) => void; step?: number }) {
  return (
    <input
      type="number"
      step={step === 1 ? "any" : step}
      aria-label={label}
      key={value}
      defaultValue={value}
      onBlur={(event) => {
        const typed = event.target.valueAsNumber;
        if (Number.isFinite(typed) && typed !== value) onValue(typed);
      }}
      onKeyDown={(event) => {
        if (event.key === "Enter") event.currentTarget.blur();
      }}
    />
  );
}

export const same = (one: Chosen | null, other: Chosen): boolean =>
  one !== null && one.what === other.what && (one.what === "ground" || (other.what !== "ground" && one.index === other.index));
