/** The bar over every page: where one can go, language, theme, log-out. */
import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { NavLink } from "react-router";

import { api } from "../api/client";
import { useMay, useMe } from "../api/me";
import { LANGUAGES, speak } from "../i18n";
import { toggleTheme } from "./theme";

export function Bar() {
  const { t, i18n } = useTranslation();
  const may = useMay();
  const me = useMe();
  const client = useQueryClient();
  const leave = async () => {
    await api.POST("/api/v1/auth/logout");
    client.clear();
    client.setQueryData(["me"], null);
  };
  const other = LANGUAGES.find((language) => language !== i18n.language) ?? "id";
  return (
    <header className="bar">
      <span className="brand">
        <img src="/icon.svg" alt="" />
        Sewu
      </span>
      <nav aria-label={t("bar.pages")}>
        {may("camera.read") && <NavLink to="/" end>{t("bar.city")}</NavLink>}
        {may("camera.read") && <NavLink to="/cameras">{t("bar.cameras")}</NavLink>}
        {may("camera.still") && <NavLink to="/wall">{t("bar.wall")}</NavLink>}
        {may("observation.read") && <NavLink to="/dash">{t("dash.title")}</NavLink>}
        {may("rule.read") && <NavLink to="/rules">{t("rules.title")}</NavLink>}
        {may("obligation.read") && <NavLink to="/obligations">{t("obligations.title")}</NavLink>}
        {may("asset.read") && <NavLink to="/network">{t("network.title")}</NavLink>}
        {(may("agency.write") || may("kiosk.write")) && <NavLink to="/admin">{t("admin.title")}</NavLink>}
        {may("user.read") && <NavLink to="/people">{t("bar.people")}</NavLink>}
        {may("audit.read") && <NavLink to="/audit">{t("bar.audit")}</NavLink>}
        {may("kiosk.write") && <NavLink to="/kiosks">{t("kiosks.bar")}</NavLink>}
        <NavLink to="/account">{t("bar.account")}</NavLink>
      </nav>
      <span className="soft small who" title={me.city_name}>{me.name ?? me.login}</span>
      <button className="quiet" onClick={() => speak(other)} lang={other} aria-label={`${other.toUpperCase()}: ${t("bar.language", { lng: other })}`}>
        {other.toUpperCase()}
      </button>
      <button className="quiet" onClick={toggleTheme} aria-label={t("bar.theme")}>◐</button>
      <button onClick={() => void leave()}>{t("bar.leave")}</button>
    </header>
  );
}
