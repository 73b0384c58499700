/** All cameras as a table that stays quick at ten thousand rows; filters are in the address, so a list can be sent to somebody. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";

import { api, data, type Schemas } from "../api/client";
import { useMay } from "../api/me";
import { BulkEdit } from "../register/BulkEdit";
import { CONDITIONS, Conditions } from "../parts/Conditions";
import { Wrong } from "../parts/states";
import { span, useNow } from "../parts/time";

const OWNERS = ["rt", "atcs", "company", "public"] as const;
const ROW_PX = 52;

export default function Register() {
  const { t, i18n } = useTranslation();
  const [wanted, setWanted] = useSearchParams();
  const now = useNow(30);
  const may = useMay();
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const pick = (id: string) => setPicked((before) => (before.has(id) ? new Set([...before].filter((other) => other !== id)) : new Set([...before, id])));
  const query = useMemo(() => {
    const chosen: Record<string, string> = {};
    for (const name of ["condition", "owner_class", "search", "area_code"]) {
      const value = wanted.get(name);
      if (value) chosen[name] = value;
    }
    return chosen as { condition?: Schemas["CameraView"]["condition"]; owner_class?: Schemas["CameraView"]["owner_class"]; search?: string; area_code?: string };
  }, [wanted]);
  const pages = useInfiniteQuery({
    queryKey: ["cameras", query],
    queryFn: ({ pageParam }) =>
      data(api.GET("/api/v1/cameras", { params: { query: { ...query, limit: 200, ...(pageParam ? { cursor: pageParam } : {}) } } })),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const rows = useMemo(() => pages.data?.pages.flatMap((page) => page.rows) ?? [], [pages.data]);
  const holder = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => holder.current, estimateSize: () => ROW_PX, overscan: 12 });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last >= rows.length - 40 && pages.hasNextPage && !pages.isFetchingNextPage) void pages.fetchNextPage();
  }, [last, rows.length, pages]);
  const set = (name: string, value: string) =>
    setWanted((before) => {
      if (value) before.set(name, value);
      else before.delete(name);
      return before;
    }, { replace: true });
  return (
    <main className="page full register">
      <div className="queue-head">
        <div className="row">
          <h1>{t("register.title")}</h1>
          <input type="search" aria-label={t("search.camera")} placeholder={t("search.camera")} defaultValue={query.search ?? ""} onChange={(event) => set("search", event.target.value)} />
          <select aria-label={t("register.condition")} value={query.condition ?? ""} onChange={(event) => set("condition", event.target.value)}>
            <option value="">{t("register.everyCondition")}</option>
            {CONDITIONS.map((condition) => <option key={condition} value={condition}>{t(`condition.${condition}`)}</option>)}
          </select>
          <select aria-label={t("register.owner")} value={query.owner_class ?? ""} onChange={(event) => set("owner_class", event.target.value)}>
            <option value="">{t("register.everyOwner")}</option>
            {OWNERS.map((owner) => <option key={owner} value={owner}>{t(`owner.${owner}`)}</option>)}
          </select>
          <Conditions {...(query.area_code ? { areaCode: query.area_code } : {})} />
        </div>
        {may("camera.write") && (
          <div className="row small">
            <Link to="/import">{t("import.title")}</Link>
            <button className="quiet" onClick={() => setPicked(new Set(rows.map((row) => row.id)))}>{t("edits.all")} ({rows.length})</button>
          </div>
        )}
        {picked.size > 0 && <BulkEdit ids={[...picked]} onNone={() => setPicked(new Set())} />}
        {pages.error !== null && <Wrong error={pages.error} />}
      </div>
      <div className="register-rows" ref={holder} role="table" aria-label={t("register.title")} aria-rowcount={rows.length} tabIndex={0}>
        <div style={{ height: virtual.getTotalSize(), position: "relative" }} role="rowgroup">
          {items.map((item) => {
            const camera = rows[item.index]!;
            return (
              <div key={camera.id} role="row" aria-rowindex={item.index + 1} className="register-row" style={{ transform: `translateY(${item.start}px)`, height: ROW_PX }}>
                {may("camera.write") && (
                  <span role="cell"><input type="checkbox" aria-label={t("edits.choose", { camera: camera.name })} checked={picked.has(camera.id)} onChange={() => pick(camera.id)} /></span>
                )}
                <span role="cell" className={`chip ${camera.condition}`}>{t(`condition.${camera.condition}`)}</span>
                <span role="cell" className="grow clip">
                  <Link to={`/cameras/${encodeURIComponent(camera.id)}`}>{camera.name}</Link>
                  <br />
                  <span className="soft small">{camera.id}</span>
                </span>
                <span role="cell" className="soft small clip wide">{camera.area_code}</span>
                <span role="cell" className="soft small wide">{t(`owner.${camera.owner_class}`)}</span>
                <span role="cell" className="soft small">
                  {camera.state?.reason ? `${t(`reason.${camera.state.reason}`, camera.state.reason)} · ` : ""}
                  {camera.state ? span(now - camera.state.since_s, i18n.language) : t("register.never")}
                </span>
              </div>
            );
          })}
        </div>
        {pages.isSuccess && rows.length === 0 && <p className="soft center">{t("search.none")}</p>}
      </div>
    </main>
  );
}
