/** The picture with what is drawn on it. Points are dragged, or chosen and moved with the arrow keys; Delete takes a corner away. */
import { useRef, useState, type KeyboardEvent, type PointerEvent } from "react";
import { useTranslation } from "react-i18next";

import { pointsOf, type Chosen, type Drawing, type Point } from "./drawing";

interface Props {
  cameraId: string;
  turn: number;
  drawing: Drawing;
  chosen: Chosen | null;
  /** Corners set so far while a new zone is drawn by clicking; null otherwise. */
  pen: Point[] | null;
  onChoice: (chosen: Chosen) => void;
  /** `kept`: a step that can be undone begins here. */
  onMove: (at: number, to: Point, kept: boolean) => void;
  onInsert: (after: number) => void;
  onRemove: (at: number) => void;
  onPen: (point: Point) => void;
  /** Width and height of the picture that came. */
  onSize: (width: number, height: number) => void;
}

const STEPS: Record<string, Point> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const joined = (points: readonly Point[]) => points.map((point) => point.join(",")).join(" ");

export function Canvas({ cameraId, turn, drawing, chosen, pen, onChoice, onMove, onInsert, onRemove, onPen, onSize }: Props) {
  const { t } = useTranslation();
  const picture = useRef<SVGSVGElement>(null);
  const [dragged, setDragged] = useState<number | null>(null);
  const [missing, setMissing] = useState(false);
  const [width, height] = drawing.size_px;
  const dot = width / 110;
  const points = pointsOf(drawing, chosen);
  const place = (event: PointerEvent): Point => {
    const box = picture.current!.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height];
  };
  const keys = (event: KeyboardEvent, at: number) => {
    const step = STEPS[event.key];
    if (step) {
      const size = event.shiftKey ? 10 : 1;
      onMove(at, [points[at]![0] + step[0] * size, points[at]![1] + step[1] * size], true);
    } else if (event.key === "Delete" || event.key === "Backspace") onRemove(at);
    else if (event.key === "+" || event.key === "Insert") onInsert(at);
    else return;
    event.preventDefault();
  };
  return (
    <div className="zones-picture" style={{ aspectRatio: `${width} / ${height}` }}>
      {missing && <span className="soft">{t("still.none")}</span>}
      <img
        src={`/api/v1/cameras/${encodeURIComponent(cameraId)}/still?turn=${turn}`}
        alt={t("still.label", { camera: cameraId })}
        hidden={missing}
        onError={() => setMissing(true)}
        onLoad={(event) => {
          setMissing(false);
          onSize(event.currentTarget.naturalWidth, event.currentTarget.naturalHeight);
        }}
      />
      <svg
        ref={picture}
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        className={pen ? "drawing" : ""}
        aria-label={t("zones.canvas")}
        role="group"
        onPointerDown={(event) => pen && onPen(place(event))}
        onPointerMove={(event) => dragged !== null && onMove(dragged, place(event), false)}
        onPointerUp={() => setDragged(null)}
      >
        {drawing.zones.map((zone, index) => (
          <polygon
            key={zone.id}
            points={joined(zone.points_px)}
            className={chosen?.what === "zone" && chosen.index === index ? "zone chosen" : "zone"}
            onPointerDown={() => !pen && onChoice({ what: "zone", index })}
          />
        ))}
        {drawing.lines.map((line, index) => (
          <LineShape key={line.id} {...line} size={dot} chosen={chosen?.what === "line" && chosen.index === index} onChoice={() => !pen && onChoice({ what: "line", index })} />
        ))}
        {drawing.ground?.picture_px && <polygon points={joined(drawing.ground.picture_px)} className={chosen?.what === "ground" ? "ground chosen" : "ground"} onPointerDown={() => !pen && onChoice({ what: "ground" })} />}
        {drawing.ground?.check && <polyline points={joined([drawing.ground.check.from_px, drawing.ground.check.to_px])} className="check" />}
        {chosen?.what === "zone" && !pen && points.map((point, at) => {
          const next = points[(at + 1) % points.length]!;
          return <circle key={`m${at}`} className="between" cx={(point[0] + next[0]) / 2} cy={(point[1] + next[1]) / 2} r={dot * 0.6} onPointerDown={() => onInsert(at)} />;
        })}
        {!pen && points.map((point, at) => (
          <g key={at}>
            <circle
              className="handle"
              cx={point[0]}
              cy={point[1]}
              r={dot}
              tabIndex={0}
              role="button"
              aria-label={t("zones.point", { number: at + 1, x: point[0], y: point[1] })}
              onKeyDown={(event) => keys(event, at)}
              onPointerDown={(event) => {
                event.currentTarget.focus();
                picture.current!.setPointerCapture(event.pointerId);
                setDragged(at);
                onMove(at, point, true);
              }}
            />
            {chosen?.what === "ground" && <text x={point[0] + dot * 1.3} y={point[1]} fontSize={dot * 2.6} aria-hidden="true">{at + 1}</text>}
          </g>
        ))}
        {pen && <polyline points={joined(pen)} className="pen" />}
        {pen?.map((point, at) => <circle key={at} className="handle" cx={point[0]} cy={point[1]} r={dot} />)}
      </svg>
    </div>
  );
}

interface LineProps {
  start_px: Point;
  end_px: Point;
  size: number;
  chosen: boolean;
  onChoice: () => void;
}

/** A counting line with an arrow: forward is from its left to its right hand, looking from start to end (y points down). */
function LineShape({ start_px, end_px, size, chosen, onChoice }: LineProps) {
  const [dx, dy] = [end_px[0] - start_px[0], end_px[1] - start_px[1]];
  const length = Math.hypot(dx, dy) || 1;
  const [rightX, rightY] = [-dy / length, dx / length];
  const [x, y] = [(start_px[0] + end_px[0]) / 2, (start_px[1] + end_px[1]) / 2];
  const tip: Point = [x + rightX * size * 5, y + rightY * size * 5];
  const side = (sign: number): Point => [tip[0] - rightX * size * 1.8 + (sign * dx * size) / length, tip[1] - rightY * size * 1.8 + (sign * dy * size) / length];
  return (
    <g className={chosen ? "line chosen" : "line"} onPointerDown={onChoice}>
      <line x1={start_px[0]} y1={start_px[1]} x2={end_px[0]} y2={end_px[1]} />
      <polyline points={joined([[x, y], tip])} />
      <polygon points={joined([tip, side(1), side(-1)])} />
    </g>
  );
}
