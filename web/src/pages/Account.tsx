/** One's own rights and protections. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";

import { api, data, type Schemas } from "../api/client";
import { useMay, useMe } from "../api/me";
import { Wrong } from "../parts/states";
import { clock } from "../parts/time";

const PURPOSES: readonly NonNullable<Schemas["Me"]["purpose"]>[] = ["safety", "traffic", "disaster", "trade", "maintenance", "planning", "audit", "administration"];

export default function Account() {
  const { t, i18n } = useTranslation();
  const me = useMe();
  const may = useMay();
  const client = useQueryClient();
  const look = useMutation({
    mutationFn: (body: Schemas["Looking"]) => data(api.PUT("/api/v1/me/looking", { body })),
    onSuccess: (fresh) => {
      client.setQueryData(["me"], fresh);
      void client.invalidateQueries();
    },
  });
  return (
    <main className="page">
      <h1>{me.name ?? me.login}</h1>
      {me.must_change_password && <div className="note wrong" role="alert">{t("account.mustChange")}</div>}
      <section className="panel">
        <h2>{t("account.rights")}</h2>
        <ul>
          {me.grants.map((grant, index) => (
            <li key={index}>
              {t(`role.${grant.role}`)} · {grant.area_code}
              {grant.agency ? ` · ${t(`agency.${grant.agency}`, grant.agency)}` : ""}
              {grant.until_s ? ` · ${t("account.until", { at: clock(grant.until_s, i18n.language, me.timezone) })}` : ""}
            </li>
          ))}
        </ul>
        <div className="row">
          <label>
            {t("account.purpose")}
            <select value={me.purpose ?? ""} onChange={(event) => look.mutate({ purpose: (event.target.value || null) as Schemas["Looking"]["purpose"] ?? null, view_as: me.view_as ?? null })}>
              <option value="">–</option>
              {PURPOSES.map((purpose) => <option key={purpose} value={purpose}>{t(`purpose.${purpose}`)}</option>)}
            </select>
          </label>
          {may("view_as") && (
            <form onSubmit={(event) => { event.preventDefault(); const area = String(new FormData(event.currentTarget).get("area") ?? "").trim(); look.mutate({ view_as: area || null, purpose: me.purpose ?? null }); }}>
              <label>{t("account.viewAs")}<span className="row"><input name="area" defaultValue={me.view_as ?? ""} placeholder={me.city_code} /><button>{t("account.apply")}</button></span></label>
            </form>
          )}
        </div>
        {look.error && <Wrong error={look.error} />}
      </section>
      <PasswordForm />
      {me.kind === "user" && <OneTimeCodes />}
    </main>
  );
}

function PasswordForm() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const change = useMutation({
    mutationFn: (body: Schemas["NewPassword"]) => api.POST("/api/v1/auth/password", { body }),
    onSuccess: () => void client.invalidateQueries({ queryKey: ["me"] }),
  });
  const send = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    change.mutate({ current: String(form.get("current")), new: String(form.get("new")) });
    event.currentTarget.reset();
  };
  return (
    <form className="panel" onSubmit={send}>
      <h2>{t("account.password")}</h2>
      <div className="row">
        <label>{t("account.current")}<input name="current" type="password" autoComplete="current-password" required /></label>
        <label>{t("account.new")}<input name="new" type="password" autoComplete="new-password" required /></label>
        <button>{t("account.change")}</button>
      </div>
      {change.isSuccess && <p role="status">{t("account.changed")}</p>}
      {change.error && <Wrong error={change.error} />}
    </form>
  );
}

function OneTimeCodes() {
  const { t } = useTranslation();
  const me = useMe();
  const client = useQueryClient();
  const [enrolment, setEnrolment] = useState<Schemas["Enrolment"] | null>(null);
  const begin = useMutation({ mutationFn: (password: string) => data(api.POST("/api/v1/auth/totp", { body: { password } })), onSuccess: setEnrolment });
  const confirm = useMutation({
    mutationFn: (code: string) => api.POST("/api/v1/auth/totp/confirm", { body: { ticket: enrolment!.ticket, code } }),
    onSuccess: () => {
      setEnrolment(null);
      void client.invalidateQueries({ queryKey: ["me"] });
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const value = String(new FormData(event.currentTarget).get("value"));
    if (enrolment) confirm.mutate(value);
    else begin.mutate(value);
    event.currentTarget.reset();
  };
  return (
    <form className="panel" onSubmit={submit}>
      <h2>{t("account.codes")}</h2>
      <p>{me.has_totp ? t("account.codesOn") : t("account.codesOff")}</p>
      {enrolment && <p className="break">{t("account.enter")} <code>{enrolment.secret}</code></p>}
      <div className="row">
        {enrolment ? (
          <label>{t("login.code")}<input name="value" inputMode="numeric" autoComplete="one-time-code" pattern="[0-9]{6}" required /></label>
        ) : (
          <label>{t("account.current")}<input name="value" type="password" autoComplete="current-password" required /></label>
        )}
        <button>{enrolment ? t("account.confirm") : t("account.enrol")}</button>
      </div>
      {(begin.error ?? confirm.error) && <Wrong error={begin.error ?? confirm.error} />}
    </form>
  );
}
