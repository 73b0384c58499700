/** One metric of one camera: now, what is usual, its trend, and beside each number how much was looked at and how wrong it can be. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { api, data, type Schemas } from "../api/client";
import { Empty, Waiting, Wrong } from "../parts/states";
import { span } from "../parts/time";
import { Chart } from "./Chart";
import { errorOf, howOf, type Use } from "./measures";
import { saveSeries, type Purpose } from "./saving";

interface Props {
  cameraId: string;
  zoneId: string | null;
  use: Use;
  metric: Schemas["Metric"];
  fromS: number;
  toS: number;
  bucketS: number;
  /** What an export is for; null where none may be made. */
  purpose: Purpose | null;
}

export function MetricCard({ cameraId, zoneId, use, metric, fromS, toS, bucketS, purpose }: Props) {
  const { t, i18n } = useTranslation();
  const how = howOf(use, metric.name);
  const question = { camera_id: cameraId, analytic: use, metric: metric.name, how, ...(zoneId ? { zone_id: zoneId } : {}) };
  const series = useQuery({
    queryKey: ["series", question, fromS, toS, bucketS],
    queryFn: () => data(api.GET("/api/v1/observations/series", { params: { query: { ...question, from_s: fromS, to_s: toS, bucket_s: bucketS } } })),
  });
  const usual = useQuery({
    queryKey: ["usual", question, Math.floor(toS / 300)],
    queryFn: () => data(api.GET("/api/v1/observations/usual", { params: { query: { ...question, at_s: toS } } })),
  });
  const label = t(`dash.metric.${use}.${metric.name}`, metric.meaning);
  const unit = t(`dash.unit.${metric.unit}`, metric.unit);
  const number = new Intl.NumberFormat(i18n.language, { maximumFractionDigits: 2 });
  const percent = new Intl.NumberFormat(i18n.language, { style: "percent", maximumFractionDigits: 0 });
  const save = useMutation({
    mutationFn: (forWhat: Purpose) =>
      saveSeries({ camera_id: cameraId, analytic: use, metric: metric.name, how, from_s: fromS, to_s: toS, bucket_s: bucketS }, forWhat, `${cameraId}-${use}-${metric.name}.csv`),
  });
  const all = Math.ceil(toS / bucketS) - Math.floor(fromS / bucketS);
  return (
    <section className="panel dash-card" aria-label={label}>
      <header className="row">
        <h2 className="grow">{label}</h2>
        <span className="soft small">{t(`dash.how.${how}`, { bucket: span(bucketS, i18n.language) })}</span>
      </header>
      <dl className="dash-facts">
        <dt>{t("dash.now")}</dt>
        <dd>
          {usual.data?.now == null ? t("dash.notNow") : (
            <>
              <span className="dash-now number">{number.format(usual.data.now)}</span> {unit}{" "}
              <span className="soft small">{t("dash.coverageIs", { share: percent.format(usual.data.now_coverage ?? 0) })}</span>
            </>
          )}
        </dd>
        <dt>{t("dash.usual")}</dt>
        <dd>{usual.data && <Usual typical={usual.data.usual} format={(value) => `${number.format(value)} ${unit}`.trim()} />}</dd>
        <dt>{t("dash.error")}</dt>
        <dd>{t(errorOf(use, metric.name))} <span className="soft small">({t("dash.errorDocs", { name: use })})</span></dd>
        <dt>{t("dash.coverage")}</dt>
        <dd>{series.data && t("dash.buckets", { seen: series.data.starts_s.length, all })}</dd>
      </dl>
      {series.isPending && <Waiting />}
      {series.error && <Wrong error={series.error} />}
      {usual.error && <Wrong error={usual.error} />}
      {series.data?.starts_s.length === 0 && <Empty text={t("dash.none")} />}
      {series.data && series.data.starts_s.length > 0 && <Chart answered={series.data} {...{ fromS, toS, bucketS, label, unit }} />}
      {save.error && <Wrong error={save.error} />}
      {purpose && <div><button onClick={() => save.mutate(purpose)}>{t("dash.export")}<span className="visually-hidden"> {label}</span></button></div>}
    </section>
  );
}

function Usual({ typical, format }: { typical: Schemas["Typical"]; format: (value: number) => string }) {
  const { t } = useTranslation();
  const { low, middle, high, days } = typical;
  if (low == null || middle == null || high == null) return <span className="soft">{t("dash.usualNone", { days })}</span>;
  return <>{t("dash.usualRange", { low: format(low), middle: format(middle), high: format(high), days })}</>;
}
