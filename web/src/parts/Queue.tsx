/** The incident queue: worst first, then oldest; worked through by keyboard (J, K, A, enter). */
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { api, data, type Schemas } from "../api/client";
import { useMay } from "../api/me";
import { act } from "./acts";
import { Wrong } from "./states";
import { span, useNow } from "./time";

type Incident = Schemas["Incident"];
const LIVE = ["open", "acknowledged", "assigned", "in_progress"] as const;
const SEVERITIES = ["critical", "high", "medium", "low", "info"] as const;
const WEIGHT = new Map<string, number>(SEVERITIES.map((severity, index) => [severity, index]));

export function useQueue() {
  const [kind, setKind] = useState("");
  const [mine, setMine] = useState<"all" | "open">("open");
  const pages = useInfiniteQuery({
    queryKey: ["incidents", mine],
    queryFn: ({ pageParam }) =>
      data(
        api.GET("/api/v1/incidents", {
          params: { query: { state: mine === "open" ? ["open"] : [...LIVE], limit: 100, ...(pageParam ? { cursor: pageParam } : {}) } },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: 30_000,
  });
  const now = useNow(10);
  const all = useMemo(() => pages.data?.pages.flatMap((page) => page.rows) ?? [], [pages.data]);
  const rows = useMemo(
    () =>
      all
        .filter((incident) => (kind === "" || incident.kind === kind) && (incident.snoozed_until_s ?? 0) <= now)
        .sort((a, b) => (WEIGHT.get(a.severity) ?? 9) - (WEIGHT.get(b.severity) ?? 9) || a.opened_at_s - b.opened_at_s),
    [all, kind, now],
  );
  return { rows, kinds: [...new Set(all.map((incident) => incident.kind))].sort(), kind, setKind, mine, setMine, pages, now };
}

interface Props {
  queue: ReturnType<typeof useQueue>;
  chosen: string | null;
  onChosen: (id: string | null) => void;
}

export function Queue({ queue, chosen, onChosen }: Props) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const may = useMay();
  const client = useQueryClient();
  const list = useRef<HTMLUListElement>(null);
  const [wrong, setWrong] = useState<unknown>(null);
  const current = queue.rows.find((incident) => incident.id === chosen);

  const move = (step: number) => {
    const at = queue.rows.findIndex((incident) => incident.id === chosen);
    const next = queue.rows[Math.min(queue.rows.length - 1, Math.max(0, at + step))];
    if (next) onChosen(next.id);
  };
  const acknowledge = async (incident: Incident) => {
    try {
      await act(incident, "acknowledge");
      setWrong(null);
      move(1);
      await client.invalidateQueries({ queryKey: ["incidents"] });
    } catch (error) {
      setWrong(error);
    }
  };
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLElement && event.target.closest("input, textarea, select");
      if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "j") move(1);
      else if (event.key === "k") move(-1);
      else if (event.key === "a" && current && may("incident.act")) void acknowledge(current);
      else if (event.key === "Enter" && current && event.target === document.body) void navigate(`/incidents/${current.id}`);
      else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  });
  useEffect(() => {
    list.current?.querySelector('[aria-current="true"]')?.scrollIntoView({ block: "nearest" });
  }, [chosen]);

  return (
    <div className="queue">
      <div className="queue-head">
        <div className="row">
          <h1 className="grow">
            {t("queue.title")} <span className="soft number">{queue.rows.length}{queue.pages.hasNextPage ? "+" : ""}</span>
          </h1>
          <select aria-label={t("queue.which")} value={queue.mine} onChange={(event) => queue.setMine(event.target.value as "all" | "open")}>
            <option value="open">{t("queue.open")}</option>
            <option value="all">{t("queue.live")}</option>
          </select>
          <select aria-label={t("queue.kind")} value={queue.kind} onChange={(event) => queue.setKind(event.target.value)}>
            <option value="">{t("queue.everyKind")}</option>
            {queue.kinds.map((kind) => (
              <option key={kind} value={kind}>{t(`kind.${kind}`)}</option>
            ))}
          </select>
        </div>
        {(queue.pages.error ?? wrong) !== null && <Wrong error={queue.pages.error ?? wrong} />}
      </div>
      <ul className="queue-list" ref={list}>
        {queue.rows.map((incident) => (
          <li key={incident.id}>
            <Row incident={incident} now={queue.now} current={incident.id === chosen} onClick={() => onChosen(incident.id)} onOpen={() => void navigate(`/incidents/${incident.id}`)} />
            {incident.id === chosen && (
              <div className="keys">
                {may("incident.act") && incident.state === "open" && (
                  <button className="primary" onClick={() => void acknowledge(incident)}>{t("act.acknowledge")} <kbd>A</kbd></button>
                )}
                <button onClick={() => void navigate(`/incidents/${incident.id}`)}>{t("queue.details")} <kbd>↵</kbd></button>
              </div>
            )}
          </li>
        ))}
        {queue.pages.isSuccess && queue.rows.length === 0 && <li className="soft center">{t("queue.none")}</li>}
        {queue.pages.hasNextPage && (
          <li><button className="quiet" onClick={() => void queue.pages.fetchNextPage()}>{t("queue.more")}</button></li>
        )}
      </ul>
    </div>
  );
}

function Row({ incident, now, current, onClick, onOpen }: { incident: Incident; now: number; current: boolean; onClick: () => void; onOpen: () => void }) {
  const { t, i18n } = useTranslation();
  const late = incident.acknowledged_at_s == null && incident.acknowledge_by_s != null && incident.acknowledge_by_s < now;
  return (
    <button className={`incident ${incident.severity}`} aria-current={current} onClick={onClick} onDoubleClick={onOpen}>
      <span className="title">{incident.title}</span>
      <span className="row small soft">
        <span className={`chip ${incident.severity}`}>{t(`severity.${incident.severity}`)}</span>
        <span>{t(`agency.${incident.agency}`, incident.agency)}</span>
        <span className="number">{span(now - incident.opened_at_s, i18n.language)}</span>
        {incident.state !== "open" && <span>{t(`incidentState.${incident.state}`)}</span>}
        {incident.event_count > 1 && <span className="number">{t("queue.events", { count: incident.event_count })}</span>}
        {late && <span className="late">{t("queue.late")}</span>}
      </span>
    </button>
  );
}
