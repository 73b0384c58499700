/** Tokens of programs; their secret is shown once. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { useTranslation } from "react-i18next";

import { api, data, type Schemas } from "../api/client";
import { useMe } from "../api/me";
import { Empty, Waiting, Wrong } from "../parts/states";
import { clock, useNow } from "../parts/time";

export function Tokens() {
  const { t, i18n } = useTranslation();
  const me = useMe();
  const now = useNow(60);
  const client = useQueryClient();
  const tokens = useQuery({ queryKey: ["tokens"], queryFn: () => data(api.GET("/api/v1/tokens")) });
  const again = () => client.invalidateQueries({ queryKey: ["tokens"] });
  const mint = useMutation({ mutationFn: (body: Schemas["NewToken"]) => data(api.POST("/api/v1/tokens", { body })), onSuccess: again });
  const revoke = useMutation({ mutationFn: (id: string) => api.DELETE("/api/v1/tokens/{token_id}", { params: { path: { token_id: id } } }), onSuccess: again });
  // A token can do no more than its owner: only the owner's rights are offered.
  const own = [...new Set(me.rights.map((reach) => reach.action))].sort();
  const add = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    mint.mutate({ name: String(form.get("name")).trim(), actions: form.getAll("action") as Schemas["NewToken"]["actions"], days: Number(form.get("days")) });
  };
  return (
    <section className="panel page-column">
      <h2>{t("admin.tokens")}</h2>
      <p className="soft small">{t("admin.tokensHint")}</p>
      {tokens.isPending && <Waiting />}
      {[tokens.error, mint.error, revoke.error].map((error, index) => error && <Wrong key={index} error={error} />)}
      {mint.data && <p className="note break" role="status">{t("admin.secretOnce")} <code>{mint.data.secret}</code></p>}
      {tokens.data?.length === 0 && <Empty text={t("admin.noTokens")} />}
      <table>
        <tbody>
          {tokens.data?.map((token) => (
            <tr key={token.id}>
              <td>{token.name}</td>
              <td className="small">{token.actions.join(", ")}</td>
              <td>{t("admin.expires")} {clock(token.expires_at_s, i18n.language, me.timezone)}</td>
              <td>{t("admin.used")}: {token.used_at_s == null ? t("admin.unused") : clock(token.used_at_s, i18n.language, me.timezone)}</td>
              <td>{token.revoked_at_s != null ? t("admin.revoked") : token.expires_at_s > now && <button onClick={() => revoke.mutate(token.id)}>{t("admin.revoke")}<span className="visually-hidden"> {token.name}</span></button>}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <form className="page-column" onSubmit={add} aria-label={t("admin.mint")}>
        <div className="row">
          <label>{t("admin.tokenName")}<input name="name" required maxLength={200} /></label>
          <label>{t("admin.days")}<input name="days" type="number" min={1} max={366} defaultValue={90} required /></label>
        </div>
        <fieldset className="rules-days">
          <legend className="soft small">{t("admin.actions")}</legend>
          {own.map((action) => <label className="tick small" key={action}><input type="checkbox" name="action" value={action} />{action}</label>)}
        </fieldset>
        <div><button disabled={mint.isPending}>{t("admin.mint")}</button></div>
      </form>
    </section>
  );
}
