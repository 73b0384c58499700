/** Bringing a list of cameras in: first what it would do, row by faulty row, then doing it. And taking the register out. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { useMe } from "../api/me";
import { PURPOSES, type Purpose } from "../dash/saving";
import { Waiting, Wrong } from "../parts/states";
import { saveRegister, sendList, type Format, type Imported } from "./transfer";

export default function Import() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [file, setFile] = useState<File | null>(null);
  const trial = useMutation({ mutationFn: (list: File) => sendList(list, false) });
  const applied = useMutation({
    mutationFn: (list: File) => sendList(list, true),
    onSuccess: () => client.invalidateQueries({ queryKey: ["cameras"] }),
  });
  const choose = (list: File | null) => {
    setFile(list);
    trial.reset();
    applied.reset();
    if (list) trial.mutate(list);
  };
  const found = applied.data ?? trial.data;
  return (
    <main className="page">
      <header className="row">
        <h1 className="grow">{t("import.title")}</h1>
        <Link className="button" to="/cameras">{t("register.title")}</Link>
      </header>
      <section className="panel page-column">
        <p>{t("import.hint")}</p>
        <label>{t("import.file")}<input type="file" accept=".csv,.geojson,.json" onChange={(event) => choose(event.target.files?.[0] ?? null)} /></label>
        {(trial.isPending || applied.isPending) && <Waiting />}
        {trial.error && <Wrong error={trial.error} />}
        {applied.error && <Wrong error={applied.error} />}
        {found && <Outcome found={found} />}
        {file && trial.data && !applied.data && trial.data.good > 0 && (
          <div><button className="primary" disabled={applied.isPending} onClick={() => applied.mutate(file)}>{t("import.apply", { count: trial.data.good })}</button></div>
        )}
      </section>
      <Out />
    </main>
  );
}

function Outcome({ found }: { found: Imported }) {
  const { t } = useTranslation();
  return (
    <>
      <p role="status" className={found.fault_count > 0 ? "note wrong" : "note"}>
        {found.applied ? t("import.done", { count: found.changed.length }) : t("import.would", { count: found.good })} {t("import.faults", { count: found.fault_count })}
        {found.ignored_columns.length > 0 && ` ${t("import.ignored", { columns: found.ignored_columns.join(", ") })}`}
      </p>
      {found.faults.length > 0 && (
        <div className="scroll" tabIndex={0} role="region" aria-label={t("import.faultList")}>
          <table>
            <thead><tr><th scope="col">{t("import.row")}</th><th scope="col">{t("camera.code")}</th><th scope="col">{t("import.reason")}</th></tr></thead>
            <tbody>
              {found.faults.map((fault, index) => (
                <tr key={index}><td className="number">{fault.row}</td><td>{fault.camera_id ?? "–"}</td><td>{fault.reason}</td></tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {found.fault_count > found.faults.length && <p className="soft">{t("import.firstOnly", { count: found.faults.length })}</p>}
    </>
  );
}

function Out() {
  const { t } = useTranslation();
  const me = useMe();
  const [purpose, setPurpose] = useState<Purpose>(me.purpose ?? "maintenance");
  const saving = useMutation({ mutationFn: (format: Format) => saveRegister(format, purpose) });
  return (
    <section className="panel page-column">
      <h2>{t("import.out")}</h2>
      <p className="soft">{t("import.outHint")}</p>
      {saving.error && <Wrong error={saving.error} />}
      <div className="row">
        <label>
          {t("dash.exportFor")}
          <select value={purpose} onChange={(event) => setPurpose(event.target.value as Purpose)}>
            {PURPOSES.map((name) => <option key={name} value={name}>{t(`purpose.${name}`)}</option>)}
          </select>
        </label>
        <button onClick={() => saving.mutate("csv")}>CSV</button>
        <button onClick={() => saving.mutate("geojson")}>GeoJSON</button>
      </div>
    </section>
  );
}
