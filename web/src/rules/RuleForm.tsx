/** A rule's form: each field is one of the rule's, and the service says what is wrong with it. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data, type Schemas } from "../api/client";
import { useMe } from "../api/me";
import { Wrong } from "../parts/states";
import { Trial } from "./Trial";
import { bodyOf, DAYS, joined, labelText, ruleOf, SEVERITIES, type Kept, type Rule } from "./rule";

interface Props {
  kept: Kept | null;
  cameraId: string | null;
  busy: boolean;
  onSave: (body: Schemas["RuleBody"]) => void;
  onClose: () => void;
}

export function RuleForm({ kept, cameraId, busy, onSave, onClose }: Props) {
  const { t } = useTranslation();
  const me = useMe();
  const rule: Partial<Rule> = kept ? ruleOf(kept) : {};
  const metrics = useQuery({ queryKey: ["metrics"], queryFn: () => data(api.GET("/api/v1/observations/metrics")), staleTime: Infinity });
  const agencies = useQuery({ queryKey: ["agencies"], queryFn: () => data(api.GET("/api/v1/agencies")), retry: false });
  const [analytic, setAnalytic] = useState(rule.analytic ?? "crowd");
  const [scheduled, setScheduled] = useState(rule.schedule != null);
  const form = useRef<HTMLFormElement>(null);
  const trial = useMutation({
    mutationFn: ({ rule: tried, camera_id, area_code }: Schemas["RuleBody"]) =>
      data(api.POST("/api/v1/rules/dry-run", { body: { rule: tried, days: 7, ...(camera_id ? { camera_id } : { area_code }) } })),
  });
  const tryOut = () => {
    if (form.current?.reportValidity()) trial.mutate(bodyOf(new FormData(form.current)));
  };
  const number = (name: string, label: string, value: number | null | undefined, more: { required?: boolean; max?: number } = {}) => (
    <label>{t(`rules.${label}`)}<input name={name} type="number" step="any" defaultValue={value ?? ""} {...(label === "threshold" || label === "clear" ? {} : { min: 0 })} {...more} /></label>
  );
  return (
    <form
      ref={form}
      className="panel rules-form"
      aria-label={kept ? t("rules.edit") : t("rules.add")}
      onSubmit={(event) => {
        event.preventDefault();
        onSave(bodyOf(new FormData(event.currentTarget)));
      }}
    >
      <h2 className="rules-whole">{kept ? `${t("rules.edit")}: ${kept.id}` : t("rules.add")}</h2>
      <input type="hidden" name="id" value={rule.id ?? "new"} />
      <label>{t("rules.kind")}<input name="kind" required pattern="[a-z0-9][a-z0-9_\-]*" maxLength={64} defaultValue={rule.kind ?? ""} autoFocus /></label>
      <label>{t("rules.area")}<input name="area" required defaultValue={kept?.area_code ?? me.city_code} /></label>
      <label>{t("rules.camera")}<input name="camera" defaultValue={kept ? (kept.camera_id ?? "") : (cameraId ?? "")} /></label>
      <label>
        {t("rules.analytic")}
        <select name="analytic" value={analytic} onChange={(event) => setAnalytic(event.target.value)}>
          {Object.keys(metrics.data ?? { [analytic]: [] }).map((name) => <option key={name} value={name}>{t(`dash.uses.${name}`, name)}</option>)}
        </select>
      </label>
      <label>
        {t("rules.metric")}
        <select name="metric" key={`${analytic} ${metrics.isSuccess}`} defaultValue={rule.metric}>
          {(metrics.data?.[analytic] ?? []).map((metric) => <option key={metric.name} value={metric.name}>{t(`dash.metric.${analytic}.${metric.name}`, metric.name)} {metric.unit === "1" ? "" : `(${t(`dash.unit.${metric.unit}`, metric.unit)})`}</option>)}
        </select>
      </label>
      <label>{t("rules.side")}<select name="side" defaultValue={rule.below != null ? "below" : "above"}><option value="above">{t("rules.above")}</option><option value="below">{t("rules.below")}</option></select></label>
      {number("threshold", "threshold", rule.above ?? rule.below, { required: true })}
      {number("forS", "forS", rule.for_s ?? 0)}
      <label>{t("rules.zones")}<input name="zones" defaultValue={joined(rule.zones)} /></label>
      <label>{t("rules.labels")}<input name="labels" defaultValue={labelText(rule.labels)} /></label>
      {number("clear", "clear", rule.clear)}
      {number("clearForS", "clearForS", rule.clear_for_s ?? 0)}
      {number("gapS", "gapS", rule.gap_s ?? 60)}
      {number("coolDownS", "coolDownS", rule.cool_down_s ?? 0)}
      {number("updateEveryS", "updateEveryS", kept ? rule.update_every_s : 60)}
      {number("minCoverage", "minCoverage", rule.min_coverage ?? 0, { max: 1 })}
      <label>{t("rules.severity")}<select name="severity" defaultValue={rule.severity ?? "medium"}>{SEVERITIES.map((name) => <option key={name} value={name}>{t(`severity.${name}`)}</option>)}</select></label>
      <label>
        {t("rules.agency")}
        <input name="agency" list="rules-agencies" defaultValue={rule.agency ?? ""} />
        <datalist id="rules-agencies">{agencies.data?.map((agency) => <option key={agency.code} value={agency.code}>{agency.name}</option>)}</datalist>
      </label>
      <label className="tick"><input type="checkbox" name="isOn" defaultChecked={kept?.is_on ?? true} />{t("rules.isOn")}</label>
      <label className="tick"><input type="checkbox" name="scheduled" checked={scheduled} onChange={(event) => setScheduled(event.target.checked)} />{t("rules.schedule")}</label>
      {scheduled && (
        <fieldset className="rules-whole rules-days">
          <legend className="soft small">{t("rules.weekdays")}</legend>
          {DAYS.map((day) => <label className="tick" key={day}><input type="checkbox" name="weekday" value={day} defaultChecked={rule.schedule?.weekdays?.includes(day) ?? true} />{t(`rules.days.${day}`)}</label>)}
          <label>{t("rules.hours")}<input name="hours" required defaultValue={joined(rule.schedule?.hours) || "00:00-24:00"} /></label>
          <input type="hidden" name="tz" value={rule.schedule?.tz ?? me.timezone} />
        </fieldset>
      )}
      <div className="row rules-whole">
        <button className="primary" disabled={busy}>{t("rules.save")}</button>
        <button type="button" disabled={trial.isPending} onClick={tryOut}>{t("rules.trial")}</button>
        <button type="button" onClick={onClose}>{t("rules.close")}</button>
      </div>
      <div className="rules-whole">
        {trial.isPending && <p role="status">{t("rules.trying")}</p>}
        {trial.error && <Wrong error={trial.error} />}
        {trial.data && <Trial tried={trial.data} />}
      </div>
    </form>
  );
}
