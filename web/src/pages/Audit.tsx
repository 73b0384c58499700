/** Who looked at, exported or changed what, and whether the record is whole. */
import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "../api/client";
import { useMe } from "../api/me";
import { Empty, Wrong } from "../parts/states";
import { clock } from "../parts/time";

export default function Audit() {
  const { t, i18n } = useTranslation();
  const me = useMe();
  const [actor, setActor] = useState("");
  const [action, setAction] = useState("");
  const wanted = { ...(useDeferredValue(actor) ? { actor } : {}), ...(useDeferredValue(action) ? { action } : {}) };
  const rows = useInfiniteQuery({
    queryKey: ["audit", wanted],
    queryFn: ({ pageParam }) => data(api.GET("/api/v1/audit", { params: { query: { ...wanted, limit: 100, ...(pageParam ? { cursor: pageParam } : {}) } } })),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const check = useMutation({ mutationFn: () => data(api.GET("/api/v1/audit/verification")) });
  const all = rows.data?.pages.flatMap((page) => page.rows) ?? [];
  return (
    <main className="page">
      <header className="row">
        <h1 className="grow">{t("audit.title")}</h1>
        <button className="primary" disabled={check.isPending} onClick={() => check.mutate()}>{t("audit.verify")}</button>
        <a className="button" href="/api/v1/audit/export" download>{t("audit.export")}</a>
      </header>
      {check.data && (
        <div className={check.data.broken_at == null ? "note" : "note wrong"} role="status">
          {check.data.broken_at == null ? t("audit.whole", { count: check.data.rows }) : t("audit.broken", { at: check.data.broken_at, why: check.data.why })}
        </div>
      )}
      {(rows.error ?? check.error) !== null && <Wrong error={rows.error ?? check.error} />}
      <div className="row">
        <label>{t("audit.actor")}<input value={actor} onChange={(event) => setActor(event.target.value)} /></label>
        <label>{t("audit.action")}<input value={action} onChange={(event) => setAction(event.target.value)} /></label>
      </div>
      <section className="panel scroll" tabIndex={0} aria-label={t("audit.title")}>
        {rows.isSuccess && all.length === 0 && <Empty text={t("search.none")} />}
        <table>
          <thead><tr><th>#</th><th>{t("audit.at")}</th><th>{t("audit.actor")}</th><th>{t("audit.action")}</th><th>{t("audit.outcome")}</th><th>{t("audit.subject")}</th><th>{t("audit.purpose")}</th></tr></thead>
          <tbody>
            {all.map(({ sequence, deed }) => (
              <tr key={sequence}>
                <td className="number soft">{sequence}</td>
                <td className="number">{clock(deed.at_s, i18n.language, me.timezone)}</td>
                <td>{deed.actor}</td>
                <td>{deed.action}</td>
                <td>{deed.outcome}</td>
                <td className="break">{deed.subject ?? ""}</td>
                <td>{deed.purpose ? t(`purpose.${deed.purpose}`) : ""}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {rows.hasNextPage && <button onClick={() => void rows.fetchNextPage()}>{t("queue.more")}</button>}
      </section>
    </main>
  );
}
