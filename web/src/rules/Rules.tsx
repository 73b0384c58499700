/** The rules of an area or of one camera: what they watch, how often they were right, and changing them. */
import "./rules.css";

import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";

import { api, data, type Schemas } from "../api/client";
import { useMay } from "../api/me";
import { CameraSearch } from "../parts/CameraSearch";
import { Empty, Waiting, Wrong } from "../parts/states";
import { span } from "../parts/time";
import { ruleOf, type Kept } from "./rule";
import { RuleForm } from "./RuleForm";

export default function Rules() {
  const { t } = useTranslation();
  const [wanted, setWanted] = useSearchParams();
  const cameraId = wanted.get("camera");
  const may = useMay();
  const client = useQueryClient();
  const [edited, setEdited] = useState<Kept | "new" | null>(null);
  const pages = useInfiniteQuery({
    queryKey: ["rules", cameraId],
    queryFn: ({ pageParam }) =>
      data(api.GET("/api/v1/rules", { params: { query: { limit: 100, ...(cameraId ? { camera_id: cameraId } : {}), ...(pageParam ? { cursor: pageParam } : {}) } } })),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const saving = useMutation({
    mutationFn: (body: Schemas["RuleBody"]) =>
      edited === "new" || edited === null
        ? data(api.POST("/api/v1/rules", { body }))
        : data(api.PUT("/api/v1/rules/{rule_id}", { params: { path: { rule_id: edited.id }, header: { "if-match": `"v${edited.version}"` } }, body })),
    onSuccess: () => {
      setEdited(null);
      void client.invalidateQueries({ queryKey: ["rules"] });
    },
  });
  const rows = pages.data?.pages.flatMap((page) => page.rows) ?? [];
  const edit = (next: Kept | "new" | null) => {
    saving.reset();
    setEdited(next);
  };
  return (
    <main className="page">
      <header className="row">
        <h1>{t("rules.title")}</h1>
        <CameraSearch to={(id) => `/rules?camera=${encodeURIComponent(id)}`} />
        {cameraId && <span className="chip info">{cameraId} <button className="quiet" onClick={() => setWanted({})} aria-label={t("rules.everywhere")}>×</button></span>}
        <span className="grow" />
        {may("rule.write") && <button className="primary" onClick={() => edit("new")}>{t("rules.add")}</button>}
      </header>
      <p className="soft small">{t("rules.hint")}</p>
      {saving.error && <Wrong error={saving.error} />}
      {edited && <RuleForm key={edited === "new" ? "new" : `${edited.id} ${edited.version}`} kept={edited === "new" ? null : edited} cameraId={cameraId} busy={saving.isPending} onSave={saving.mutate} onClose={() => edit(null)} />}
      {pages.error && <Wrong error={pages.error} />}
      {pages.isPending && <Waiting />}
      {pages.isSuccess && rows.length === 0 && <Empty text={t("rules.none")} />}
      {rows.length > 0 && <RuleTable rows={rows} {...(may("rule.write") ? { onEdit: edit } : {})} />}
      {pages.hasNextPage && <div><button onClick={() => void pages.fetchNextPage()}>{t("rules.more")}</button></div>}
    </main>
  );
}

function RuleTable({ rows, onEdit }: { rows: readonly Kept[]; onEdit?: (rule: Kept) => void }) {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const [sure, setSure] = useState<string | null>(null);
  const metrics = useQuery({ queryKey: ["metrics"], queryFn: () => data(api.GET("/api/v1/observations/metrics")), staleTime: Infinity });
  const rights = useQuery({ queryKey: ["rules", "precision"], queryFn: () => data(api.GET("/api/v1/rules/precision")) });
  const removing = useMutation({
    mutationFn: (id: string) => api.DELETE("/api/v1/rules/{rule_id}", { params: { path: { rule_id: id } } }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["rules"] }),
  });
  const number = new Intl.NumberFormat(i18n.language, { maximumFractionDigits: 3 });
  const percent = new Intl.NumberFormat(i18n.language, { style: "percent", maximumFractionDigits: 0 });
  const condition = (kept: Kept) => {
    const rule = ruleOf(kept);
    const unit = metrics.data?.[rule.analytic]?.find((metric) => metric.name === rule.metric)?.unit ?? "1";
    return t((rule.for_s ?? 0) > 0 ? "rules.condition" : "rules.conditionNow", {
      metric: t(`dash.metric.${rule.analytic}.${rule.metric}`, rule.metric),
      side: t(rule.above != null ? "rules.above" : "rules.below"),
      threshold: number.format(rule.above ?? rule.below ?? 0),
      unit: t(`dash.unit.${unit}`, unit),
      span: span(rule.for_s ?? 0, i18n.language),
    });
  };
  const precision = (id: string) => {
    const found = rights.data?.find((right) => right.rule_id === id);
    if (!found || found.share == null) return t("rules.unjudged");
    return t("rules.right", { share: percent.format(found.share), confirmed: found.confirmed, all: found.confirmed + found.false_alarms });
  };
  return (
    <section className="panel scroll" tabIndex={0}>
      {removing.error && <Wrong error={removing.error} />}
      <table>
        <thead><tr><th scope="col">{t("rules.kind")}</th><th scope="col">{t("rules.what")}</th><th scope="col">{t("rules.where")}</th><th scope="col">{t("rules.severity")}</th><th scope="col">{t("rules.precision")}</th><th scope="col"><span className="visually-hidden">{t("rules.edit")}</span></th></tr></thead>
        <tbody>
          {rows.map((kept) => {
            const rule = ruleOf(kept);
            return (
              <tr key={kept.id}>
                <td>{t(`kind.${rule.kind}`, rule.kind)}<br /><span className="soft small">{kept.is_on ? t("rules.on") : t("rules.off")} · {t("rules.version", { version: kept.version })}</span></td>
                <td>{condition(kept)}{rule.schedule && <><br /><span className="soft small">{rule.schedule.weekdays?.map((day) => t(`rules.days.${day}`)).join(" ")} {rule.schedule.hours?.join(", ")}</span></>}</td>
                <td>{kept.camera_id ? <Link to={`/cameras/${encodeURIComponent(kept.camera_id)}`}>{kept.camera_id}</Link> : `${kept.area_code}: ${t("rules.everywhere")}`}{rule.zones && rule.zones.length > 0 && <><br /><span className="soft small">{rule.zones.join(", ")}</span></>}</td>
                <td><span className={`chip ${rule.severity ?? "medium"}`}>{t(`severity.${rule.severity ?? "medium"}`)}</span>{rule.agency && <><br /><span className="soft small">{t(`agency.${rule.agency}`, rule.agency)}</span></>}</td>
                <td>{precision(kept.id)}</td>
                <td>
                  {onEdit && (sure === kept.id ? (
                    <div className="row" role="alert">
                      {t("rules.deleteSure")}
                      <button className="primary" autoFocus onClick={() => removing.mutate(kept.id)}>{t("rules.delete")}</button>
                      <button onClick={() => setSure(null)}>{t("ask.cancel")}</button>
                    </div>
                  ) : (
                    <div className="row">
                      <button onClick={() => onEdit(kept)}>{t("rules.edit")}</button>
                      <button onClick={() => setSure(kept.id)}>{t("rules.delete")}</button>
                    </div>
                  ))}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}
