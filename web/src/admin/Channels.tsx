/** Ways to tell agencies, and the messages that did not arrive. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";

import { api, data, type Schemas } from "../api/client";
import { useMay } from "../api/me";
import { Empty, Waiting, Wrong } from "../parts/states";

const KINDS = ["inapp", "apprise", "mqtt", "webhook", "cap"] as const;
const OCCASIONS = ["opened", "raised", "assigned", "overdue", "share", "closed"] as const;
const SEVERITIES = ["info", "low", "medium", "high", "critical"] as const;
const USUAL: readonly string[] = ["opened", "raised", "assigned", "overdue"];

/** A JSON object, or null where the text is none. */
function settingsOf(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text || "{}");
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

export function Channels() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [faulty, setFaulty] = useState(false);
  const channels = useQuery({ queryKey: ["channels"], queryFn: () => data(api.GET("/api/v1/channels")) });
  const again = () => client.invalidateQueries({ queryKey: ["channels"] });
  const put = useMutation({
    mutationFn: ({ id, ...body }: { id: string } & Schemas["ChannelBody"]) => api.PUT("/api/v1/channels/{channel_id}", { params: { path: { channel_id: id } }, body }),
    onSuccess: again,
  });
  const drop = useMutation({ mutationFn: (id: string) => api.DELETE("/api/v1/channels/{channel_id}", { params: { path: { channel_id: id } } }), onSuccess: again });
  const add = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? "").trim();
    const settings = settingsOf(text("settings"));
    setFaulty(settings === null);
    if (settings === null) return;
    put.mutate({
      id: text("id"), agency: text("agency"), kind: text("kind") as "inapp", name: text("name"), settings, min_severity: text("severity") as "info",
      occasions: form.getAll("occasion") as Schemas["ChannelBody"]["occasions"], is_active: true, secret: text("secret") || null,
    });
  };
  return (
    <section className="panel page-column">
      <h2>{t("admin.channels")}</h2>
      <p className="soft small">{t("admin.channelsHint")}</p>
      {channels.isPending && <Waiting />}
      {[channels.error, put.error, drop.error].map((error, index) => error && <Wrong key={index} error={error} />)}
      {faulty && <Wrong error={new Error(t("admin.badSettings"))} />}
      {channels.data?.length === 0 && <Empty text={t("admin.noChannels")} />}
      <table>
        <tbody>
          {channels.data?.map((channel) => (
            <tr key={channel.id}>
              <td>{channel.name}<br /><span className="soft small">{channel.id}</span></td>
              <td>{channel.agency}</td>
              <td>{t(`admin.kinds.${channel.kind}`)}</td>
              <td>{t(`severity.${channel.min_severity ?? "info"}`)}</td>
              <td className="small">{channel.occasions?.map((occasion) => t(`admin.occasion.${occasion}`)).join(", ")}</td>
              <td>{channel.is_active ? t("admin.active") : t("admin.inactive")}</td>
              <td><button onClick={() => drop.mutate(channel.id)}>{t("admin.remove")}<span className="visually-hidden"> {channel.name}</span></button></td>
            </tr>
          ))}
        </tbody>
      </table>
      <form className="rules-form" onSubmit={add} aria-label={t("admin.channels")}>
        <label>{t("admin.channelId")}<input name="id" required maxLength={100} /></label>
        <label>{t("admin.agencyCode")}<input name="agency" required /></label>
        <label>{t("admin.channelName")}<input name="name" required maxLength={200} /></label>
        <label>{t("admin.channelKind")}<select name="kind">{KINDS.map((kind) => <option key={kind} value={kind}>{t(`admin.kinds.${kind}`)}</option>)}</select></label>
        <label>{t("admin.minSeverity")}<select name="severity">{SEVERITIES.map((name) => <option key={name} value={name}>{t(`severity.${name}`)}</option>)}</select></label>
        <label>{t("admin.settings")}<input name="settings" placeholder="{}" /></label>
        <label>{t("admin.secret")}<input name="secret" type="password" autoComplete="off" /></label>
        <fieldset className="rules-whole rules-days">
          <legend className="soft small">{t("admin.occasions")}</legend>
          {OCCASIONS.map((name) => <label className="tick" key={name}><input type="checkbox" name="occasion" value={name} defaultChecked={USUAL.includes(name)} />{t(`admin.occasion.${name}`)}</label>)}
        </fieldset>
        <div className="rules-whole"><button>{t("admin.save")}</button></div>
      </form>
      <Dead />
    </section>
  );
}

function Dead() {
  const { t } = useTranslation();
  const may = useMay();
  const client = useQueryClient();
  const dead = useQuery({
    queryKey: ["dispatches", "dead"],
    queryFn: () => data(api.GET("/api/v1/dispatches", { params: { query: { state: "dead", limit: 100 } } })),
    enabled: may("incident.act"),
  });
  const revive = useMutation({
    mutationFn: (id: string) => api.POST("/api/v1/dispatches/{dispatch_id}/revival", { params: { path: { dispatch_id: id } } }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["dispatches"] }),
  });
  if (!may("incident.act")) return null;
  return (
    <>
      <h3>{t("admin.dead")}</h3>
      {dead.error && <Wrong error={dead.error} />}
      {revive.error && <Wrong error={revive.error} />}
      {dead.data?.rows.length === 0 && <Empty text={t("admin.noDead")} />}
      <table>
        <tbody>
          {dead.data?.rows.map((row) => (
            <tr key={row.id}><td>{row.agency}</td><td>{row.channel_id}</td><td className="break">{row.error}</td><td>{t("admin.tries")}: {row.attempts}</td><td><button onClick={() => revive.mutate(row.id)}>{t("admin.revive")}</button></td></tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
