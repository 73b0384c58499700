/** What is to be repaired: cameras that are down or degraded, by area, cause and how long. */
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { api, data, type Schemas } from "../api/client";
import { useMe } from "../api/me";
import { Empty, Waiting, Wrong } from "../parts/states";
import { clock, span, useNow } from "../parts/time";
import { csv, saveText } from "./saving";

type Camera = Schemas["CameraView"];
const MOST = 5000;
const DISTRICT_LETTERS = "33.74.01".length;

/** All cameras in a condition, page by page, up to `MOST`. */
async function every(condition: "down" | "degraded"): Promise<{ rows: Camera[]; more: boolean }> {
  const rows: Camera[] = [];
  let cursor: string | null | undefined;
  do {
    const page = await data(api.GET("/api/v1/cameras", { params: { query: { condition, limit: 500, ...(cursor ? { cursor } : {}) } } }));
    rows.push(...(page.rows as Camera[]));
    cursor = page.next_cursor;
  } while (cursor && rows.length < MOST);
  return { rows, more: Boolean(cursor) };
}

/** By kecamatan, then cause, then longest first: one trip mends what stands together and fails alike. */
export function inOrder(cameras: readonly Camera[]): Camera[] {
  const key = (camera: Camera) => `${camera.area_code.slice(0, DISTRICT_LETTERS)} ${camera.state?.reason ?? "~"}`;
  return [...cameras].sort((one, other) => key(one).localeCompare(key(other)) || (one.state?.since_s ?? 0) - (other.state?.since_s ?? 0));
}

export function RepairList({ name }: { name: (code: string) => string }) {
  const { t, i18n } = useTranslation();
  const me = useMe();
  const now = useNow(30);
  const found = useQuery({
    queryKey: ["cameras", "repair"],
    queryFn: async () => {
      const [down, degraded] = await Promise.all([every("down"), every("degraded")]);
      return { rows: inOrder([...down.rows, ...degraded.rows]), more: down.more || degraded.more };
    },
  });
  if (found.error) return <Wrong error={found.error} />;
  if (!found.data) return <Waiting />;
  const { rows, more } = found.data;
  const save = () =>
    saveText(
      csv([
        ["area_code", "area", "camera_id", "name", "condition", "cause", "since", "owner_class", "owner", "warranty_until", "lat_deg", "lon_deg"],
        ...rows.map((row) => [
          row.area_code, name(row.area_code.slice(0, DISTRICT_LETTERS)), row.id, row.name, row.condition, row.state?.reason ?? "",
          row.state ? new Date(row.state.since_s * 1000).toISOString() : "", row.owner_class, row.owner ?? "", row.warranty_until ?? "",
          row.place?.lat_deg ?? null, row.place?.lon_deg ?? null,
        ]),
      ]),
      "repair-list.csv",
    );
  return (
    <section className="panel" aria-labelledby="dash-repair">
      <header className="row">
        <h2 className="grow" id="dash-repair">{t("dash.repair")} <span className="soft number">{rows.length}{more ? "+" : ""}</span></h2>
        {rows.length > 0 && <button onClick={save}>{t("dash.export")}</button>}
      </header>
      {rows.length === 0 ? <Empty text={t("dash.repairNone")} /> : (
        <div className="scroll dash-long" tabIndex={0} role="region" aria-labelledby="dash-repair">
          <table>
            <thead><tr><th scope="col">{t("dash.district")}</th><th scope="col">{t("dash.camera")}</th><th scope="col">{t("register.condition")}</th><th scope="col">{t("dash.cause")}</th><th scope="col">{t("dash.todo")}</th><th scope="col">{t("dash.since")}</th></tr></thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.id}>
                  <td>{name(row.area_code.slice(0, DISTRICT_LETTERS))}</td>
                  <td><Link to={`/cameras/${encodeURIComponent(row.id)}`}>{row.name}</Link> <span className="soft small">{row.id}</span></td>
                  <td><span className={`chip ${row.condition}`}>{t(`condition.${row.condition}`)}</span></td>
                  <td>{row.state?.reason ? t(`reason.${row.state.reason}`, row.state.reason) : t("camera.noReason")}</td>
                  <td>{row.state?.reason && i18n.exists(`todo.${row.state.reason}`) ? t(`todo.${row.state.reason}`) : ""}</td>
                  <td className="number">{row.state ? `${clock(row.state.since_s, i18n.language, me.timezone)} (${span(now - row.state.since_s, i18n.language)})` : "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
