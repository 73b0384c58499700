/** The city as a whole: incidents by kecamatan and kind, how long cameras were up, and what is to be repaired. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data, type Schemas } from "../api/client";
import { useMay } from "../api/me";
import { Empty, Waiting, Wrong } from "../parts/states";
import { useNow } from "../parts/time";
import { RepairList } from "./RepairList";
import { csv, saveText } from "./saving";

const DAY_S = 86_400;
const DISTRICT_LETTERS = "33.74.01".length;

export function CityDash() {
  const { t } = useTranslation();
  const may = useMay();
  const [days, setDays] = useState(1);
  const toS = Math.ceil(useNow(60) / 300) * 300;
  const areas = useQuery({
    queryKey: ["areas", "kecamatan", "names"],
    queryFn: () => data(api.GET("/api/v1/areas", { params: { query: { level: "kecamatan", limit: 500 } } })),
    staleTime: 600_000,
    enabled: may("area.read"),
  });
  const names = new Map(areas.data?.rows.map((area) => [area.code, area.name]));
  const name = (code: string) => names.get(code) ?? code;
  return (
    <>
      <div className="row">
        <label>
          {t("dash.range")}
          <select value={days} onChange={(event) => setDays(Number(event.target.value))}>
            <option value={1}>{t("dash.ranges.24h")}</option>
            <option value={7}>{t("dash.ranges.7d")}</option>
            <option value={30}>{t("dash.ranges.30d")}</option>
          </select>
        </label>
      </div>
      {may("incident.read") && <IncidentCounts fromS={toS - days * DAY_S} name={name} />}
      {may("camera.read") && <Availability fromS={toS - days * DAY_S} toS={toS} name={name} />}
      {may("camera.read") && <RepairList name={name} />}
    </>
  );
}

function IncidentCounts({ fromS, name }: { fromS: number; name: (code: string) => string }) {
  const { t, i18n } = useTranslation();
  const found = useQuery({
    queryKey: ["counts", "district", fromS],
    queryFn: () => data(api.GET("/api/v1/incidents/by-district", { params: { query: { opened_from_s: fromS } } })),
  });
  if (found.error) return <Wrong error={found.error} />;
  if (!found.data) return <Waiting />;
  const rows = found.data;
  const kinds = [...new Set(rows.map((row) => row.kind))].sort();
  const districts = [...new Set(rows.map((row) => row.area_code))].sort();
  const count = (area: string | null, kind: string | null) =>
    rows.filter((row) => (area === null || row.area_code === area) && (kind === null || row.kind === kind)).reduce((sum, row) => sum + row.count, 0);
  const kindName = (kind: string) => t(`kind.${kind}`, kind);
  const number = new Intl.NumberFormat(i18n.language);
  const save = () =>
    saveText(csv([["area_code", "area", ...kinds], ...districts.map((area) => [area, name(area), ...kinds.map((kind) => count(area, kind))])]), "incidents-by-district.csv");
  return (
    <section className="panel" aria-labelledby="dash-incidents">
      <header className="row">
        <h2 className="grow" id="dash-incidents">{t("dash.incidents")}</h2>
        {rows.length > 0 && <button onClick={save}>{t("dash.export")}</button>}
      </header>
      {rows.length === 0 ? <Empty text={t("dash.incidentsNone")} /> : (
        <div className="scroll" tabIndex={0} role="region" aria-labelledby="dash-incidents">
          <table>
            <thead>
              <tr><th scope="col">{t("dash.district")}</th>{kinds.map((kind) => <th scope="col" key={kind}>{kindName(kind)}</th>)}<th scope="col">{t("dash.sum")}</th></tr>
            </thead>
            <tbody>
              {districts.map((area) => (
                <tr key={area}>
                  <th scope="row">{name(area)}</th>
                  {kinds.map((kind) => <td className="number" key={kind}>{number.format(count(area, kind))}</td>)}
                  <td className="number">{number.format(count(area, null))}</td>
                </tr>
              ))}
              <tr>
                <th scope="row">{t("dash.sum")}</th>
                {kinds.map((kind) => <td className="number" key={kind}>{number.format(count(null, kind))}</td>)}
                <td className="number">{number.format(count(null, null))}</td>
              </tr>
            </tbody>
          </table>
        </div>
      )}
      <p className="soft small">{t("dash.incidentsNote")}</p>
    </section>
  );
}

interface Sum {
  code: string;
  cameras: number;
  up: number;
  degraded: number;
  down: number;
}

/** Sums by kecamatan: an area's row counts the cameras that stand in it, and codes tell what lies in what. */
export function byDistrict(rows: readonly Schemas["Availability"][]): Sum[] {
  const sums = new Map<string, Sum>();
  for (const row of rows) {
    const code = row.area_code.slice(0, DISTRICT_LETTERS);
    const sum = sums.get(code) ?? { code, cameras: 0, up: 0, degraded: 0, down: 0 };
    sums.set(code, { code, cameras: sum.cameras + row.cameras, up: sum.up + row.up_s, degraded: sum.degraded + row.degraded_s, down: sum.down + row.down_s });
  }
  return [...sums.values()].sort((one, other) => one.code.localeCompare(other.code));
}

function Availability({ fromS, toS, name }: { fromS: number; toS: number; name: (code: string) => string }) {
  const { t, i18n } = useTranslation();
  const found = useQuery({
    queryKey: ["cameras", "availability", fromS, toS],
    queryFn: () => data(api.GET("/api/v1/cameras/availability", { params: { query: { from_s: fromS, to_s: toS } } })),
  });
  if (found.error) return <Wrong error={found.error} />;
  if (!found.data) return <Waiting />;
  const rows = byDistrict(found.data);
  const percent = new Intl.NumberFormat(i18n.language, { style: "percent", maximumFractionDigits: 1 });
  const number = new Intl.NumberFormat(i18n.language);
  const save = () =>
    saveText(csv([["area_code", "area", "cameras", "up_s", "degraded_s", "down_s"], ...rows.map((row) => [row.code, name(row.code), row.cameras, row.up, row.degraded, row.down])]), "availability.csv");
  return (
    <section className="panel" aria-labelledby="dash-availability">
      <header className="row">
        <h2 className="grow" id="dash-availability">{t("dash.availability")}</h2>
        {rows.length > 0 && <button onClick={save}>{t("dash.export")}</button>}
      </header>
      {rows.length === 0 ? <Empty text={t("camera.dayNone")} /> : (
        <div className="scroll" tabIndex={0} role="region" aria-labelledby="dash-availability">
          <table>
            <thead>
              <tr><th scope="col">{t("dash.district")}</th><th scope="col">{t("dash.cameras")}</th><th scope="col">{t("condition.up")}</th><th scope="col">{t("condition.degraded")}</th><th scope="col">{t("condition.down")}</th><th scope="col">{t("dash.known")}</th><td /></tr>
            </thead>
            <tbody>
              {rows.map((row) => {
                const known = row.up + row.degraded + row.down;
                const share = (seconds: number) => (known > 0 ? percent.format(seconds / known) : "–");
                return (
                  <tr key={row.code}>
                    <th scope="row">{name(row.code)}</th>
                    <td className="number">{number.format(row.cameras)}</td>
                    <td className="number">{share(row.up)}</td>
                    <td className="number">{share(row.degraded)}</td>
                    <td className="number">{share(row.down)}</td>
                    <td className="number">{percent.format(known / (row.cameras * (toS - fromS)))}</td>
                    <td className="dash-bar-cell" aria-hidden="true">
                      <div className="dash-bar"><span className="up" style={{ flex: row.up }} /><span className="degraded" style={{ flex: row.degraded }} /><span className="down" style={{ flex: row.down }} /></div>
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
      <p className="soft small">{t("dash.availabilityNote")}</p>
    </section>
  );
}
