import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";

import { api, data, Refusal } from "../api/client";
import { LANGUAGES, speak } from "../i18n";

/** Why the identity provider's log-in came to nothing, as the service says it on the way back here. */
const refusal = (): string | null => new URLSearchParams(window.location.search).get("refused");

/** The page that was wanted; the service returns to pages of ours only. */
const start = (): string => {
  const wanted = refusal() === null ? window.location.pathname + window.location.search : "/";
  return `/api/v1/auth/oidc?back=${encodeURIComponent(wanted)}`;
};

export function LogIn() {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const ways = useQuery({ queryKey: ["ways"], queryFn: () => data(api.GET("/api/v1/auth/ways")), retry: false });
  const said = (kind: string, otherwise: string) => (i18n.exists(`login.${kind}`) ? t(`login.${kind}`) : otherwise);
  const [wrong, setWrong] = useState<string | null>(() => (refusal() === null ? null : said(refusal() ?? "", t("login.log-in-refused"))));
  const [needsCode, setNeedsCode] = useState(false);
  const [busy, setBusy] = useState(false);
  const enter = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const code = form.get("code");
    setBusy(true);
    try {
      const me = await data(
        api.POST("/api/v1/auth/login", {
          body: { login: String(form.get("login")), password: String(form.get("password")), ...(code ? { code: String(code) } : {}) },
        }),
      );
      client.setQueryData(["me"], me);
    } catch (error) {
      const kind = error instanceof Refusal ? error.kind : "";
      setNeedsCode((before) => before || kind === "code-needed");
      setWrong(said(kind, error instanceof Error ? error.message : String(error)));
    } finally {
      setBusy(false);
    }
  };
  return (
    <main className="center">
      <form className="panel login" onSubmit={(event) => void enter(event)}>
        <div className="brand">
          <img src="/icon.svg" alt="" />
          <h1>Sewu</h1>
        </div>
        <p className="soft">{t("login.what")}</p>
        <label>
          {t("login.name")}
          <input name="login" autoComplete="username" required autoFocus />
        </label>
        <label>
          {t("login.password")}
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        {needsCode && (
          <label>
            {t("login.code")}
            <input name="code" inputMode="numeric" autoComplete="one-time-code" pattern="[0-9]{6}" />
          </label>
        )}
        {wrong !== null && (
          <div className="note wrong" role="alert">
            {wrong}
          </div>
        )}
        <button className="primary" disabled={busy}>
          {t("login.enter")}
        </button>
        {ways.data?.oidc && (
          <a className="button" href={start()}>
            {t("login.with", { name: ways.data.oidc.label })}
          </a>
        )}
        <p className="soft small">{t("login.audit")}</p>
        <div className="row">
          {LANGUAGES.map((language) => (
            <button type="button" key={language} className="quiet" lang={language} aria-pressed={i18n.language === language} onClick={() => speak(language)}>
              {t(`language.${language}`)}
            </button>
          ))}
        </div>
      </form>
    </main>
  );
}
