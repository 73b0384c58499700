/** What an administrator keeps in order besides people: agencies, channels, tokens, kiosk screens, retention. */
import "../rules/rules.css";

import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { api, data } from "../api/client";
import { useMay } from "../api/me";
import { Wrong } from "../parts/states";
import { Agencies } from "./Agencies";
import { Channels } from "./Channels";
import { Kiosks } from "./Kiosks";
import { Tokens } from "./Tokens";

export default function Admin() {
  const { t } = useTranslation();
  const may = useMay();
  return (
    <main className="page">
      <h1>{t("admin.title")}</h1>
      {may("kiosk.write") && <Kiosks />}
      {may("agency.write") && <Agencies />}
      {may("agency.write") && <Channels />}
      <Tokens />
      <Kept />
    </main>
  );
}

function Kept() {
  const { t, i18n } = useTranslation();
  const found = useQuery({ queryKey: ["retention"], queryFn: () => data(api.GET("/api/v1/retention")) });
  const number = new Intl.NumberFormat(i18n.language);
  return (
    <section className="panel">
      <h2>{t("admin.retention")}</h2>
      <p className="soft small">{t("admin.retentionHint")}</p>
      {found.error && <Wrong error={found.error} />}
      <table>
        <tbody>
          {Object.entries(found.data ?? {}).map(([name, days]) => (
            <tr key={name}><th scope="row">{t(`admin.kept.${name}`, name)}</th><td className="number">{t("admin.daysKept", { days: number.format(days) })}</td></tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
