/** How many cameras are well: always with the total, because a third of them are down on a normal day. */
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { api, data } from "../api/client";

export const CONDITIONS = ["up", "degraded", "down", "unknown"] as const;

export function Conditions({ areaCode }: { areaCode?: string }) {
  const { t, i18n } = useTranslation();
  const counts = useQuery({
    queryKey: ["counts", areaCode ?? ""],
    queryFn: () => data(api.GET("/api/v1/cameras/counts", { params: { query: areaCode ? { area_code: areaCode } : {} } })),
  });
  if (!counts.data) return null;
  const number = new Intl.NumberFormat(i18n.language);
  return (
    <div className="conditions" role="group" aria-label={t("conditions.label")}>
      {CONDITIONS.map((condition) => (
        <Link key={condition} to={`/cameras?condition=${condition}`} className={`chip ${condition} number`}>
          {number.format(counts.data[condition] ?? 0)} {t(`condition.${condition}`)}
        </Link>
      ))}
    </div>
  );
}
