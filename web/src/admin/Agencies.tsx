/** Agencies: who is told of what, by which channel, and what did not arrive. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { useTranslation } from "react-i18next";

import { api, data, type Schemas } from "../api/client";
import { useMe } from "../api/me";
import { Empty, Waiting, Wrong } from "../parts/states";

const text = (form: FormData, name: string) => String(form.get(name) ?? "").trim();
const words = (value: string) => value.split(",").map((word) => word.trim()).filter(Boolean);

/** Sends a form's content, then empties it and reads the list again. */
function useSending<Body>(send: (body: Body) => Promise<unknown>, key: string) {
  const client = useQueryClient();
  return useMutation({ mutationFn: send, onSuccess: () => client.invalidateQueries({ queryKey: [key] }) });
}

export function Agencies() {
  const { t } = useTranslation();
  const agencies = useQuery({ queryKey: ["agencies"], queryFn: () => data(api.GET("/api/v1/agencies")) });
  const put = useSending(
    ({ code, ...body }: { code: string } & Schemas["AgencyBody"]) => api.PUT("/api/v1/agencies/{code}", { params: { path: { code } }, body }),
    "agencies",
  );
  const add = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    put.mutate({ code: text(form, "code"), name: text(form, "name"), is_active: true });
  };
  return (
    <section className="panel page-column">
      <h2>{t("admin.agencies")}</h2>
      {agencies.isPending && <Waiting />}
      {agencies.error && <Wrong error={agencies.error} />}
      {put.error && <Wrong error={put.error} />}
      {agencies.data?.length === 0 && <Empty text={t("admin.noAgencies")} />}
      <table>
        <tbody>
          {agencies.data?.map((agency) => (
            <tr key={agency.code}>
              <td>{agency.code}</td>
              <td>{agency.name}</td>
              <td>{agency.is_active ? t("admin.active") : t("admin.inactive")}</td>
              <td>
                <button onClick={() => put.mutate({ code: agency.code, name: agency.name, is_active: !agency.is_active })}>
                  {agency.is_active ? t("admin.deactivate") : t("admin.activate")}<span className="visually-hidden"> {agency.name}</span>
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <form className="row" onSubmit={add} aria-label={t("admin.agencies")}>
        <label>{t("admin.agencyCode")}<input name="code" required pattern="[a-z0-9_\-]+" maxLength={64} /></label>
        <label>{t("admin.agencyName")}<input name="name" required maxLength={200} /></label>
        <button>{t("admin.add")}</button>
      </form>
      <Ownerships agencies={agencies.data ?? []} />
    </section>
  );
}

function Ownerships({ agencies }: { agencies: readonly Schemas["Agency"][] }) {
  const { t } = useTranslation();
  const me = useMe();
  const owned = useQuery({ queryKey: ["ownerships"], queryFn: () => data(api.GET("/api/v1/agencies/ownerships")) });
  const own = useSending(
    ({ code, ...body }: { code: string } & Schemas["OwnershipBody"]) => api.POST("/api/v1/agencies/{code}/ownerships", { params: { path: { code } }, body }),
    "ownerships",
  );
  const drop = useSending((id: string) => api.DELETE("/api/v1/agencies/ownerships/{ownership_id}", { params: { path: { ownership_id: id } } }), "ownerships");
  const add = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    own.mutate({ code: text(form, "agency"), area_code: text(form, "area"), kinds: words(text(form, "kinds")), weekdays: [0, 1, 2, 3, 4, 5, 6], from_minute: 0, until_minute: 1440 });
  };
  return (
    <>
      <h3>{t("admin.ownerships")}</h3>
      {owned.error && <Wrong error={owned.error} />}
      {own.error && <Wrong error={own.error} />}
      {drop.error && <Wrong error={drop.error} />}
      {owned.data?.length === 0 && <Empty text={t("admin.noOwnerships")} />}
      <table>
        <tbody>
          {owned.data?.map((row) => (
            <tr key={row.id}>
              <td>{row.agency}</td>
              <td>{row.area_code}</td>
              <td>{row.kinds?.length ? row.kinds.map((kind) => t(`kind.${kind}`, kind)).join(", ") : t("admin.everyKind")}</td>
              <td><button onClick={() => drop.mutate(row.id)}>{t("admin.remove")}</button></td>
            </tr>
          ))}
        </tbody>
      </table>
      <form className="row" onSubmit={add} aria-label={t("admin.own")}>
        <label>{t("admin.agencies")}<select name="agency" required>{agencies.map((agency) => <option key={agency.code} value={agency.code}>{agency.name}</option>)}</select></label>
        <label>{t("admin.area")}<input name="area" required defaultValue={me.city_code} /></label>
        <label>{t("admin.ownKinds")}<input name="kinds" /></label>
        <button>{t("admin.own")}</button>
      </form>
    </>
  );
}
