/** Who may do what, where. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";

import { api, data, type Schemas } from "../api/client";
import { useMay, useMe } from "../api/me";
import { Wrong } from "../parts/states";
import { clock } from "../parts/time";

const ROLES: readonly Schemas["NewGrant"]["role"][] = ["operator", "agency_officer", "district_officer", "rt", "engineer", "planner", "auditor", "admin"];

export default function People() {
  const { t, i18n } = useTranslation();
  const me = useMe();
  const may = useMay();
  const client = useQueryClient();
  const [wrong, setWrong] = useState<unknown>(null);
  const users = useQuery({ queryKey: ["users"], queryFn: () => data(api.GET("/api/v1/users", { params: { query: { limit: 100 } } })) });
  const run = async (work: () => Promise<unknown>) => {
    try {
      await work();
      setWrong(null);
    } catch (error) {
      setWrong(error);
    }
    await client.invalidateQueries({ queryKey: ["users"] });
  };
  const add = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? "").trim();
    void run(async () => {
      const user = await data(
        api.POST("/api/v1/users", { body: { login: text("login"), name: text("name"), language: text("language") as "id", password: text("password") } }),
      );
      await api.POST("/api/v1/users/{user_id}/grants", {
        params: { path: { user_id: user.id } },
        body: { role: text("role") as Schemas["NewGrant"]["role"], area_code: text("area"), ...(text("agency") ? { agency: text("agency") } : {}) },
      });
    });
  };
  return (
    <main className="page">
      <h1>{t("people.title")}</h1>
      {wrong !== null && <Wrong error={wrong} />}
      {may("user.write") && (
        <form className="panel row" onSubmit={add} aria-label={t("people.add")}>
          <label>{t("login.name")}<input name="login" required minLength={2} /></label>
          <label>{t("people.name")}<input name="name" required /></label>
          <label>{t("people.first")}<input name="password" type="password" autoComplete="new-password" required minLength={12} /></label>
          <label>{t("people.language")}<select name="language"><option value="id">Indonesia</option><option value="en">English</option></select></label>
          <label>{t("people.role")}<select name="role">{ROLES.map((role) => <option key={role} value={role}>{t(`role.${role}`)}</option>)}</select></label>
          <label>{t("people.area")}<input name="area" required defaultValue={me.city_code} /></label>
          <label>{t("people.agency")}<input name="agency" /></label>
          <button className="primary">{t("people.add")}</button>
        </form>
      )}
      <section className="panel scroll" tabIndex={0} aria-label={t("people.title")}>
        <table>
          <thead><tr><th>{t("login.name")}</th><th>{t("people.name")}</th><th>{t("people.grants")}</th><th>{t("people.last")}</th><th></th></tr></thead>
          <tbody>
            {users.data?.rows.map((user) => (
              <tr key={user.id}>
                <td>{user.login}</td>
                <td>{user.name} {user.is_disabled && <span className="chip down">{t("people.disabled")}</span>}</td>
                <td>{user.grants.map((given) => <div key={given.id}>{t(`role.${given.grant.role}`)} · {given.grant.area_code}{given.grant.agency ? ` · ${given.grant.agency}` : ""}</div>)}</td>
                <td className="number">{user.last_login_at_s ? clock(user.last_login_at_s, i18n.language, me.timezone) : t("people.never")}</td>
                <td>
                  {may("user.write") && user.id !== me.id && (
                    <button onClick={() => void run(() => api.PATCH("/api/v1/users/{user_id}", { params: { path: { user_id: user.id } }, body: { is_disabled: !user.is_disabled } }))}>
                      {user.is_disabled ? t("people.enable") : t("people.disable")}
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </main>
  );
}
