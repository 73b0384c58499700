/** Buildings and towers that must show a risk: who was asked, what is due, which camera proves it. */
import "../rules/rules.css";

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";

import { api, data, type Schemas } from "../api/client";
import { useMay, useMe } from "../api/me";
import { Empty, Waiting, Wrong } from "../parts/states";
import { clock } from "../parts/time";
import { ObligationForm, STATUSES } from "./ObligationForm";

type Obligation = Schemas["Obligation"];

/** Today by the city's calendar: what is due on it is due. */
const today = (zone: string) => new Intl.DateTimeFormat("sv", { timeZone: zone }).format(Date.now());

async function found(which: string, search: string, on: string): Promise<{ rows: readonly Obligation[]; more: boolean }> {
  if (which === "due") return { rows: await data(api.GET("/api/v1/obligations/due", { params: { query: { on } } })), more: false };
  if (which === "unproven") return { rows: await data(api.GET("/api/v1/obligations/unproven")), more: false };
  const status = STATUSES.find((name) => name === which);
  const page = await data(api.GET("/api/v1/obligations", { params: { query: { limit: 500, ...(status ? { status } : {}), ...(search ? { search } : {}) } } }));
  return { rows: page.rows, more: page.next_cursor != null };
}

export default function Obligations() {
  const { t } = useTranslation();
  const me = useMe();
  const may = useMay();
  const client = useQueryClient();
  const [wanted, setWanted] = useSearchParams();
  const [edited, setEdited] = useState<Obligation | "new" | null>(null);
  const which = wanted.get("which") ?? "all";
  const search = wanted.get("search") ?? "";
  const on = today(me.timezone);
  const list = useQuery({ queryKey: ["obligations", which, search, on], queryFn: () => found(which, search, on) });
  const saving = useMutation({
    mutationFn: (body: Schemas["ObligationBody"]) =>
      edited === "new" || edited === null
        ? data(api.POST("/api/v1/obligations", { body }))
        : data(api.PUT("/api/v1/obligations/{obligation_id}", { params: { path: { obligation_id: edited.id }, header: { "if-match": `"v${edited.version}"` } }, body })),
    onSuccess: () => {
      setEdited(null);
      void client.invalidateQueries({ queryKey: ["obligations"] });
    },
  });
  const edit = (next: Obligation | "new" | null) => {
    saving.reset();
    setEdited(next);
  };
  const set = (name: string, value: string) => setWanted((before) => (before.set(name, value), before), { replace: true });
  return (
    <main className="page">
      <header className="row">
        <h1>{t("obligations.title")}</h1>
        <select aria-label={t("obligations.which")} value={which} onChange={(event) => set("which", event.target.value)}>
          {["all", "due", "unproven"].map((name) => <option key={name} value={name}>{t(`obligations.${name}`)}</option>)}
          {STATUSES.map((name) => <option key={name} value={name}>{t(`obligations.statuses.${name}`)}</option>)}
        </select>
        {which !== "due" && which !== "unproven" && <input type="search" aria-label={t("obligations.name")} placeholder={t("obligations.name")} defaultValue={search} onChange={(event) => set("search", event.target.value)} />}
        <span className="grow" />
        {may("obligation.write") && <button className="primary" onClick={() => edit("new")}>{t("obligations.add")}</button>}
      </header>
      <p className="soft small">{t("obligations.hint")}</p>
      {saving.error && <Wrong error={saving.error} />}
      {edited && <ObligationForm key={edited === "new" ? "new" : `${edited.id} ${edited.version}`} kept={edited === "new" ? null : edited} busy={saving.isPending} onSave={saving.mutate} onClose={() => edit(null)} />}
      {list.error && <Wrong error={list.error} />}
      {list.isPending && <Waiting />}
      {list.data?.rows.length === 0 && <Empty text={t("obligations.none")} />}
      {list.data && list.data.rows.length > 0 && <Table rows={list.data.rows} {...(may("obligation.write") ? { onEdit: edit } : {})} />}
      {list.data?.more && <p className="note">{t("obligations.partly", { count: list.data.rows.length })}</p>}
    </main>
  );
}

function Table({ rows, onEdit }: { rows: readonly Obligation[]; onEdit?: (row: Obligation) => void }) {
  const { t, i18n } = useTranslation();
  const me = useMe();
  return (
    <section className="panel scroll" tabIndex={0}>
      <table>
        <thead><tr><th scope="col">{t("obligations.name")}</th><th scope="col">{t("obligations.owner")}</th><th scope="col">{t("obligations.risk")}</th><th scope="col">{t("obligations.status")}</th><th scope="col">{t("obligations.camera")}</th><th scope="col">{t("obligations.letters")}</th><th scope="col"><span className="visually-hidden">{t("obligations.edit")}</span></th></tr></thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.id}>
              <td>{row.name}<br /><span className="soft small">{t(`obligations.subjects.${row.subject}`)} · {row.area_code}{row.address ? ` · ${row.address}` : ""}</span></td>
              <td>{row.owner}</td>
              <td>{row.risk}{row.note && <><br /><span className="soft small">{row.note}</span></>}</td>
              <td>{t(`obligations.statuses.${row.status ?? "open"}`)}</td>
              <td>
                {row.camera_id ? <Link to={`/cameras/${encodeURIComponent(row.camera_id)}`}>{row.camera_id}</Link> : "–"}
                {row.view_approved_at_s != null && <><br /><span className="soft small">{t("obligations.approved", { who: row.view_approved_by ?? "", at: clock(row.view_approved_at_s, i18n.language, me.timezone) })}</span></>}
              </td>
              <td>{row.letters?.map((letter, index) => <div key={index} className="small">{t("obligations.letterIs", { kind: t(`obligations.letterKinds.${letter.kind}`, letter.kind), due: letter.due_on })}</div>)}</td>
              <td>{onEdit && <button onClick={() => onEdit(row)}>{t("obligations.edit")}</button>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
