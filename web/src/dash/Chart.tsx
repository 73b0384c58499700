/** A metric over time. Where nobody looked there is a gap, and below the line stands how much was looked at; all of it as a table too. */
import "uplot/dist/uPlot.min.css";

import { useEffect, useMemo, useRef } from "react";
import { useTranslation } from "react-i18next";
import uPlot from "uplot";

import type { Schemas } from "../api/client";
import { useMe } from "../api/me";
import { colour } from "../parts/theme";
import { clock } from "../parts/time";

type Answered = Schemas["Answered"];
interface Props {
  answered: Answered;
  fromS: number;
  toS: number;
  bucketS: number;
  label: string;
  unit: string;
}
interface Row {
  startS: number;
  value: number | null;
  coverage: number;
  rows: number;
}

/** Every bucket of the span, with null where none was measured: null draws a gap, a missing bucket would draw a line. */
export function everyBucket(answered: Answered, fromS: number, toS: number, bucketS: number): Row[] {
  const at = new Map(answered.starts_s.map((start, index) => [Math.round(start / bucketS), index]));
  const rows: Row[] = [];
  for (let bucket = Math.floor(fromS / bucketS); bucket * bucketS < toS; bucket++) {
    const index = at.get(bucket);
    rows.push({
      startS: bucket * bucketS,
      value: index === undefined ? null : answered.values[index]!,
      coverage: index === undefined ? 0 : answered.coverage[index]!,
      rows: index === undefined ? 0 : answered.rows[index]!,
    });
  }
  return rows;
}

export function Chart({ answered, fromS, toS, bucketS, label, unit }: Props) {
  const { t, i18n } = useTranslation();
  const me = useMe();
  const holder = useRef<HTMLDivElement>(null);
  const rows = useMemo(() => everyBucket(answered, fromS, toS, bucketS), [answered, fromS, toS, bucketS]);
  const number = new Intl.NumberFormat(i18n.language, { maximumFractionDigits: 2 });
  const percent = new Intl.NumberFormat(i18n.language, { style: "percent", maximumFractionDigits: 0 });
  useEffect(() => {
    const element = holder.current!;
    let plot: uPlot | null = null;
    const draw = () => {
      plot?.destroy();
      plot = new uPlot(options(element.clientWidth, me.timezone, i18n.language), columns(rows), element);
    };
    draw();
    const resized = new ResizeObserver(() => plot?.setSize({ width: element.clientWidth, height: HEIGHT_PX }));
    resized.observe(element);
    window.addEventListener("sewu:theme", draw);
    return () => {
      window.removeEventListener("sewu:theme", draw);
      resized.disconnect();
      plot?.destroy();
    };
  }, [rows, me.timezone, i18n.language]);
  return (
    <>
      <div ref={holder} className="chart" role="img" aria-label={t("dash.trend", { metric: label })} />
      <details>
        <summary>{t("table")}</summary>
        <div className="chart-table" tabIndex={0} role="region" aria-label={t("dash.trend", { metric: label })}>
          <table>
            <thead><tr><th>{t("dash.from")}</th><th>{t("dash.value")}{unit && ` (${unit})`}</th><th>{t("dash.coverage")}</th><th>{t("dash.rows")}</th></tr></thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.startS}>
                  <td className="number">{clock(row.startS, i18n.language, me.timezone)}</td>
                  <td className="number">{row.value === null ? t("dash.gap") : number.format(row.value)}</td>
                  <td className="number">{percent.format(row.coverage)}</td>
                  <td className="number">{row.rows}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </>
  );
}

const HEIGHT_PX = 190;

function columns(rows: readonly Row[]): uPlot.AlignedData {
  return [rows.map((row) => row.startS), rows.map((row) => row.value), rows.map((row) => row.coverage)];
}

function options(width: number, zone: string, language: string): uPlot.Options {
  const axis = { stroke: colour("soft"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line"), width: 1 } };
  const hours = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", timeZone: zone });
  const days = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: zone });
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: 3 });
  const tick = (at: number, step: number) => (step >= 86_400 ? days : hours).format(at * 1000);
  return {
    width,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { y: false },
    tzDate: (at) => uPlot.tzDate(new Date(at * 1000), zone),
    scales: { x: { time: true }, y: { range: (_, low, high) => [Math.min(0, low ?? 0), (high !== null && high > 0 ? high : 1) * 1.08] }, coverage: { range: [0, 6] } },
    axes: [
      { ...axis, values: (_, splits, _axis, _space, step) => splits.map((at) => tick(at, step)) },
      { ...axis, size: 56, values: (_, splits) => splits.map((value) => number.format(value)) },
    ],
    // Coverage keeps to the lowest sixth of the picture: a band that fades where the camera was not looked at.
    series: [
      {},
      { stroke: colour("accent"), width: 2, spanGaps: false, points: { show: true, size: 4 } },
      { scale: "coverage", stroke: colour("unknown"), width: 1, fill: `${colour("unknown")}55`, paths: uPlot.paths.stepped!({ align: 1 }), points: { show: false } },
    ],
  };
}
