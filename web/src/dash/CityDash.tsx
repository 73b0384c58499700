/** The city as a whole: how long its cameras were up, by kecamatan. */
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { api, data } from "../api/client";
import { Empty, Waiting, Wrong } from "../parts/states";
import { useNow } from "../parts/time";

export function CityDash() {
  const { t } = useTranslation();
  const toS = Math.ceil(useNow(60) / 300) * 300;
  const found = useQuery({
    queryKey: ["cameras", "availability", toS],
    queryFn: () => data(api.GET("/api/v1/cameras/availability", { params: { query: { from_s: toS - 86_400, to_s: toS } } })),
  });
  if (found.error) return <Wrong error={found.error} />;
  if (!found.data) return <Waiting />;
  return found.data.length === 0 ? <Empty text={t("camera.dayNone")} /> : <p>{found.data.length}</p>;
}
