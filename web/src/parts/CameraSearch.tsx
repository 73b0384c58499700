/** Finds a camera by code, name or place name. */
import { useQuery } from "@tanstack/react-query";
import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { api, data } from "../api/client";

export function CameraSearch({ to = (id) => `/cameras/${encodeURIComponent(id)}` }: { to?: (id: string) => string }) {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const wanted = useDeferredValue(text.trim());
  const found = useQuery({
    queryKey: ["cameras", "search", wanted],
    queryFn: () => data(api.GET("/api/v1/cameras", { params: { query: { search: wanted, limit: 8 } } })),
    enabled: wanted.length >= 2,
  });
  return (
    <div className="search">
      <input
        type="search"
        value={text}
        placeholder={t("search.camera")}
        aria-label={t("search.camera")}
        onChange={(event) => setText(event.target.value)}
      />
      {wanted.length >= 2 && found.data && (
        <ul className="panel search-found">
          {found.data.rows.map((camera) => (
            <li key={camera.id}>
              <Link to={to(camera.id)} onClick={() => setText("")}>{camera.name}</Link> <span className="soft small">{camera.id}</span>
            </li>
          ))}
          {found.data.rows.length === 0 && <li className="soft">{t("search.none")}</li>}
        </ul>
      )}
    </div>
  );
}
