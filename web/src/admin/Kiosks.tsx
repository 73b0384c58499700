/** Screens without a keyboard: paired with an area by the code that they show. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef, type FormEvent } from "react";
import { useTranslation } from "react-i18next";

import { api, data, type Schemas } from "../api/client";
import { useMe } from "../api/me";
import { Empty, Waiting, Wrong } from "../parts/states";
import { clock } from "../parts/time";

export function Kiosks() {
  const { t, i18n } = useTranslation();
  const me = useMe();
  const client = useQueryClient();
  const form = useRef<HTMLFormElement>(null);
  const kiosks = useQuery({ queryKey: ["kiosks"], queryFn: () => data(api.GET("/api/v1/kiosks")), refetchInterval: 30_000 });
  const again = () => client.invalidateQueries({ queryKey: ["kiosks"] });
  const pair = useMutation({
    mutationFn: (body: Schemas["Pairing"]) => data(api.POST("/api/v1/kiosks/pair", { body })),
    onSuccess: () => {
      form.current?.reset();
      void again();
    },
  });
  const end = useMutation({ mutationFn: (id: string) => api.DELETE("/api/v1/kiosks/{kiosk_id}", { params: { path: { kiosk_id: id } } }), onSuccess: again });
  const add = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const wanted = new FormData(event.currentTarget);
    const text = (name: string) => String(wanted.get(name) ?? "").trim();
    pair.mutate({ code: text("code"), name: text("name"), area_code: text("area") });
  };
  return (
    <section className="panel page-column">
      <h2>{t("admin.kiosks")}</h2>
      <p className="soft small">{t("admin.kiosksHint")}</p>
      {kiosks.isPending && <Waiting />}
      {[kiosks.error, pair.error, end.error].map((error, index) => error && <Wrong key={index} error={error} />)}
      {kiosks.data?.length === 0 && <Empty text={t("admin.noKiosks")} />}
      <table>
        <tbody>
          {kiosks.data?.map((kiosk) => (
            <tr key={kiosk.id}>
              <td>{kiosk.name}</td>
              <td>{kiosk.area_code}</td>
              <td>{t("admin.seen")}: {kiosk.seen_at_s == null ? t("admin.unseen") : clock(kiosk.seen_at_s, i18n.language, me.timezone)}</td>
              <td><button onClick={() => end.mutate(kiosk.id)}>{t("admin.remove")}<span className="visually-hidden"> {kiosk.name}</span></button></td>
            </tr>
          ))}
        </tbody>
      </table>
      <form className="row" ref={form} onSubmit={add} aria-label={t("admin.pair")}>
        <label>{t("admin.code")}<input name="code" required pattern="\s*[0-9A-Za-z]{8}\s*" autoComplete="off" spellCheck={false} /></label>
        <label>{t("admin.kioskName")}<input name="name" required maxLength={200} /></label>
        <label>{t("admin.area")}<input name="area" required defaultValue={me.city_code} /></label>
        <button disabled={pair.isPending}>{t("admin.pair")}</button>
      </form>
    </section>
  );
}
