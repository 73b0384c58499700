/** The newest still of a camera, read again now and then; says so when there is none. */
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { useNow } from "./time";

export function Still({ cameraId, everyS = 10 }: { cameraId: string; everyS?: number }) {
  const { t } = useTranslation();
  const turn = Math.floor(useNow(everyS) / everyS);
  const [missing, setMissing] = useState(false);
  return (
    <div className="still">
      {missing && <span className="soft">{t("still.none")}</span>}
      <img
        src={`/api/v1/cameras/${encodeURIComponent(cameraId)}/still?turn=${turn}`}
        alt={t("still.label", { camera: cameraId })}
        hidden={missing}
        onLoad={() => setMissing(false)}
        onError={() => setMissing(true)}
      />
    </div>
  );
}
