/** Live video of one camera; its masks are drawn over it. Where it cannot be played, stills; where there is none, why and what to do. */
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import type { Schemas } from "../api/client";
import { Still } from "../parts/Still";
import { Player, type Standing } from "./player";
import "./live.css";

interface Props {
  cameraId: string;
  masks?: Schemas["CameraView"]["masks"] | number[][][];
}

export function Live({ cameraId, masks = [] }: Props) {
  const { t, i18n } = useTranslation();
  const video = useRef<HTMLVideoElement>(null);
  const [standing, setStanding] = useState<Standing>({ kind: "starting" });
  useEffect(() => {
    const player = new Player(video.current!, cameraId, setStanding);
    return () => player.close();
  }, [cameraId]);
  const says = (ended: Standing & { kind: "ended" }): string =>
    i18n.exists(`live.why.${ended.word}`) ? t(`live.why.${ended.word}`) : ended.why || t("live.lost");
  if (standing.kind === "unsupported") return <Still cameraId={cameraId} everyS={2} />;
  return (
    <div className="live" data-standing={standing.kind}>
      <video ref={video} muted playsInline autoPlay aria-label={t("live.label", { camera: cameraId })} />
      {masks.length > 0 && (
        <svg viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">
          {masks.map((mask, index) => <polygon key={index} points={mask.map((point) => point.join(",")).join(" ")} />)}
        </svg>
      )}
      {standing.kind !== "playing" && (
        <div className="live-says" role="status">
          {standing.kind === "starting" ? t("live.starting") : `${says(standing)} ${t("live.retry", { seconds: standing.retryS })}`}
        </div>
      )}
    </div>
  );
}
