/** Screens without a keyboard: pair one by its code, see which are alive, take one's right away. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "../api/client";
import { useMe } from "../api/me";
import { Waiting, Wrong } from "../parts/states";
import { span, useNow } from "../parts/time";

export default function Kiosks() {
  const { t, i18n } = useTranslation();
  const me = useMe();
  const client = useQueryClient();
  const now = useNow(5);
  const screens = useQuery({ queryKey: ["kiosks"], queryFn: () => data(api.GET("/api/v1/kiosks")), refetchInterval: 10_000 });
  const again = () => void client.invalidateQueries({ queryKey: ["kiosks"] });
  const pair = useMutation({
    mutationFn: (body: { code: string; name: string; area_code: string }) => api.POST("/api/v1/kiosks/pair", { body }),
    onSuccess: again,
  });
  const end = useMutation({
    mutationFn: (kiosk_id: string) => api.DELETE("/api/v1/kiosks/{kiosk_id}", { params: { path: { kiosk_id } } }),
    onSuccess: again,
  });
  const areas = me.rights.find((reach) => reach.action === "kiosk.write")?.areas ?? [];
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? "").trim();
    pair.mutate({ code: text("code").replaceAll(" ", ""), name: text("name"), area_code: text("area_code") });
  };
  return (
    <main className="page">
      <h1>{t("kiosks.title")}</h1>
      <form className="panel row" onSubmit={submit}>
        <p className="soft">{t("kiosks.what")}</p>
        <label>{t("kiosks.code")}<input name="code" required maxLength={10} autoComplete="off" autoCapitalize="characters" /></label>
        <label>{t("kiosks.name")}<input name="name" required maxLength={100} /></label>
        <label>{t("kiosks.area")}<input name="area_code" required defaultValue={areas[0] ?? ""} /></label>
        <button className="primary" disabled={pair.isPending}>{t("kiosks.pair")}</button>
        {pair.isSuccess && <p role="status">{t("kiosks.paired")}</p>}
      </form>
      {(pair.error ?? end.error) && <Wrong error={pair.error ?? end.error} />}
      {screens.isPending && <Waiting />}
      {screens.error && <Wrong error={screens.error} />}
      {screens.data?.length === 0 && <p className="panel">{t("kiosks.none")}</p>}
      {screens.data && screens.data.length > 0 && (
        <div className="panel scroll" tabIndex={0} role="region" aria-label={t("kiosks.title")}>
          <table>
            <thead>
              <tr><th>{t("kiosks.name")}</th><th>{t("kiosks.area")}</th><th>{t("kiosks.seen")}</th><td /></tr>
            </thead>
            <tbody>
              {screens.data.map((screen) => (
                <tr key={screen.id}>
                  <td>{screen.name}</td>
                  <td>{screen.area_code}</td>
                  <td>{screen.seen_at_s == null ? t("kiosks.never") : span(now - screen.seen_at_s, i18n.language)}</td>
                  <td><button onClick={() => end.mutate(screen.id)} aria-label={t("kiosks.endOf", { name: screen.name })}>{t("kiosks.end")}</button></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </main>
  );
}
