/** What is kept as evidence of an incident: ask for it, have another person approve, take the signed package. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";

import { api, data, type Schemas } from "../api/client";
import { useMay, useMe } from "../api/me";
import { Ask } from "./Ask";
import { Empty, Wrong } from "./states";
import { clock } from "./time";

const PURPOSES = ["safety", "traffic", "disaster", "trade", "maintenance", "planning", "audit", "administration"] as const;
const YEAR_S = 366 * 86_400;

export function EvidencePanel({ id }: { id: string }) {
  const { t, i18n } = useTranslation();
  const me = useMe();
  const may = useMay();
  const client = useQueryClient();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [locking, setLocking] = useState<Schemas["EvidenceItem"] | null>(null);
  const key = ["incident", id, "evidence"];
  const again = () => void client.invalidateQueries({ queryKey: key });
  const items = useQuery({
    queryKey: key,
    queryFn: () => data(api.GET("/api/v1/incidents/{incident_id}/evidence", { params: { path: { incident_id: id } } })),
    enabled: may("evidence.read"),
    refetchInterval: 20_000,
  });
  const ask = useMutation({ mutationFn: (body: Schemas["NewRequest"]) => api.POST("/api/v1/evidence/requests", { body }), onSuccess: again });
  const lock = useMutation({
    mutationFn: ({ item, until_s, reason }: { item: string; until_s: number | null; reason: string }) =>
      api.PUT("/api/v1/incidents/{incident_id}/evidence/{item_id}/lock", { params: { path: { incident_id: id, item_id: item } }, body: { until_s, reason } }),
    onSuccess: () => { setLocking(null); again(); },
  });
  if (!may("evidence.read")) return null;
  const toggle = (item: string) =>
    setChosen((was) => new Set(was.has(item) ? [...was].filter((one) => one !== item) : [...was, item]));
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    ask.mutate({ incident_id: id, item_ids: [...chosen], purpose: form.get("purpose") as Schemas["NewRequest"]["purpose"], reason: String(form.get("reason")) });
  };
  const at = (s: number) => clock(s, i18n.language, me.timezone);
  const kind = (item: Schemas["EvidenceItem"]) => t(`evidence.kinds.${item.kind}`);
  const isLocked = (item: Schemas["EvidenceItem"]) => (item.locked_until_s ?? 0) > Date.now() / 1000;
  return (
    <section className="panel" aria-label={t("evidence.title")}>
      <h2>{t("evidence.title")}</h2>
      {(items.error ?? ask.error ?? lock.error) && <Wrong error={items.error ?? ask.error ?? lock.error} />}
      {items.data?.length === 0 && <Empty text={t("evidence.none")} />}
      {items.data && items.data.length > 0 && (
        <div className="scroll" tabIndex={0} role="region" aria-label={t("evidence.title")}>
          <table>
            <thead><tr><td /><th>{t("evidence.kind")}</th><th>{t("evidence.camera")}</th><th>{t("evidence.from")}</th><th>{t("evidence.size")}</th><td /></tr></thead>
            <tbody>
              {items.data.map((item) => (
                <tr key={item.id}>
                  <td>
                    <input type="checkbox" checked={chosen.has(item.id)} onChange={() => toggle(item.id)}
                      aria-label={t("evidence.choose", { kind: kind(item), camera: item.camera_id ?? "–", at: at(item.from_s) })} />
                  </td>
                  <td>{kind(item)}</td>
                  <td>{item.camera_id ?? "–"}</td>
                  <td className="number">{at(item.from_s)}</td>
                  <td className="number">{new Intl.NumberFormat(i18n.language, { style: "unit", unit: "kilobyte", maximumFractionDigits: 0 }).format(item.bytes_count / 1000)}</td>
                  <td>
                    {isLocked(item) && <span className="soft small">{t("evidence.locked", { at: at(item.locked_until_s!) })} </span>}
                    {may("evidence.request") && <button onClick={() => setLocking(item)}>{t(isLocked(item) ? "evidence.unlock" : "evidence.lockYear")}</button>}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {locking && (
        <Ask title={t("evidence.lockReason")} onCancel={() => setLocking(null)}
          onReason={(reason) => lock.mutate({ item: locking.id, until_s: isLocked(locking) ? null : Date.now() / 1000 + YEAR_S, reason })} />
      )}
      {may("evidence.request") && chosen.size > 0 && (
        <form className="ask" onSubmit={submit}>
          <label>{t("evidence.purpose")}
            <select name="purpose" required>{PURPOSES.map((purpose) => <option key={purpose} value={purpose}>{t(`evidence.purposes.${purpose}`)}</option>)}</select>
          </label>
          <label>{t("evidence.reason")}<textarea name="reason" required maxLength={2000} /></label>
          <button className="primary" disabled={ask.isPending}>{t("evidence.ask")}</button>
        </form>
      )}
      {ask.isSuccess && <p role="status">{t("evidence.asked")}</p>}
      <Requests id={id} />
    </section>
  );
}

function Requests({ id }: { id: string }) {
  const { t, i18n } = useTranslation();
  const me = useMe();
  const may = useMay();
  const client = useQueryClient();
  const [refusing, setRefusing] = useState<string | null>(null);
  const [wrong, setWrong] = useState<unknown>(null);
  const key = ["incident", id, "evidence", "requests"];
  const found = useQuery({ queryKey: key, queryFn: () => data(api.GET("/api/v1/evidence/requests")), refetchInterval: 20_000 });
  const rows = (found.data ?? []).filter((row) => row.incident_id === id);
  const run = async (work: () => Promise<unknown>) => {
    try {
      await work();
      setWrong(null);
      setRefusing(null);
    } catch (error) {
      setWrong(error);
    }
    await client.invalidateQueries({ queryKey: ["incident", id, "evidence"] });
  };
  const decide = (request_id: string, approve: boolean, reason?: string) =>
    run(() => api.POST("/api/v1/evidence/requests/{request_id}/decision", { params: { path: { request_id } }, body: { approve, reason: reason ?? null } }));
  const download = (row: Schemas["EvidenceRequest"]) =>
    run(async () => {
      const answer = await api.POST("/api/v1/evidence/requests/{request_id}/package", {
        params: { path: { request_id: row.id } }, headers: { "Sewu-Purpose": row.purpose }, parseAs: "blob",
      });
      const link = document.createElement("a");
      link.href = URL.createObjectURL(answer.data as unknown as Blob);
      link.download = `${row.id}.zip`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    });
  return (
    <>
      <h3>{t("evidence.requests")}</h3>
      {wrong !== null && <Wrong error={wrong} />}
      {rows.length === 0 && <Empty text={t("evidence.noRequests")} />}
      <ul className="history">
        {rows.map((row) => (
          <li key={row.id}>
            <span className="soft small number">{clock(row.requested_at_s, i18n.language, me.timezone)}</span>{" "}
            {t("evidence.items", { count: row.item_ids.length })} · {t(`evidence.purposes.${row.purpose as (typeof PURPOSES)[number]}`, row.purpose)} · {t(`evidence.states.${row.state}`)}
            <div>{row.reason}{row.decision ? ` — ${row.decision}` : ""}</div>
            <div className="row">
              {row.state === "requested" && may("evidence.approve") && row.requester !== me.id && (
                <>
                  <button className="primary" onClick={() => void decide(row.id, true)}>{t("evidence.approve")}</button>
                  <button onClick={() => setRefusing(row.id)}>{t("evidence.refuse")}</button>
                </>
              )}
              {(row.state === "approved" || row.state === "exported") && may("evidence.export") && (
                <button onClick={() => void download(row)}>{t("evidence.download")}</button>
              )}
            </div>
            {refusing === row.id && <Ask title={t("evidence.refuse")} onCancel={() => setRefusing(null)} onReason={(reason) => void decide(row.id, false, reason)} />}
          </li>
        ))}
      </ul>
    </>
  );
}
