/** What is drawn on a camera's picture, and the steps that change it. Points are pixels of a picture of `size_px`, from the top left. */
export type Point = [number, number];

export interface Zone {
  id: string;
  kind: string;
  name?: string;
  points_px: Point[];
  settings?: Record<string, unknown>;
}
export interface Line {
  id: string;
  name?: string;
  start_px: Point;
  end_px: Point;
  forward?: string;
  backward?: string;
}
export interface Check {
  from_px: Point;
  to_px: Point;
  distance_m: number;
}
export interface Ground {
  picture_px?: Point[];
  ground_m?: Point[];
  matrix?: number[][];
  check?: Check;
}
export interface Drawing {
  size_px: [number, number];
  zones: Zone[];
  lines: Line[];
  ground?: Ground;
}

/** Which thing is being edited: `index` of the zone or line; the ground has one only. */
export type Chosen = { what: "zone" | "line"; index: number } | { what: "ground" };

export const empty = (width: number, height: number): Drawing => ({ size_px: [width, height], zones: [], lines: [] });

/** A stored document, with what it leaves out filled in. */
export const drawingOf = (document: Record<string, unknown>): Drawing => ({ ...empty(1, 1), ...(structuredClone(document) as Partial<Drawing>) });

const round = (value: number) => Math.round(value * 10) / 10;
export const within = ([x, y]: Point, [width, height]: [number, number]): Point => [
  round(Math.min(Math.max(x, 0), width)),
  round(Math.min(Math.max(y, 0), height)),
];

/** A short id that is not taken: "zone-1", "zone-2" … */
export function freshId(drawing: Drawing, stem: string): string {
  const taken = new Set([...drawing.zones, ...drawing.lines].map((entry) => entry.id));
  let number = 1;
  while (taken.has(`${stem}-${number}`)) number++;
  return `${stem}-${number}`;
}

/** The points of the chosen thing: a zone's corners, a line's ends, the ground's points and then its check's ends. */
export function pointsOf(drawing: Drawing, chosen: Chosen | null): Point[] {
  if (chosen === null) return [];
  if (chosen.what === "zone") return drawing.zones[chosen.index]?.points_px ?? [];
  if (chosen.what === "line") {
    const line = drawing.lines[chosen.index];
    return line ? [line.start_px, line.end_px] : [];
  }
  const { picture_px = [], check } = drawing.ground ?? {};
  return check ? [...picture_px, check.from_px, check.to_px] : picture_px;
}

const replaced = <T>(list: readonly T[], index: number, value: T): T[] => list.map((old, at) => (at === index ? value : old));
const withZone = (drawing: Drawing, index: number, zone: Zone): Drawing => ({ ...drawing, zones: replaced(drawing.zones, index, zone) });

export function movePoint(drawing: Drawing, chosen: Chosen, at: number, to: Point): Drawing {
  const point = within(to, drawing.size_px);
  if (chosen.what === "zone") {
    const zone = drawing.zones[chosen.index]!;
    return withZone(drawing, chosen.index, { ...zone, points_px: replaced(zone.points_px, at, point) });
  }
  if (chosen.what === "line") {
    const line = drawing.lines[chosen.index]!;
    return { ...drawing, lines: replaced(drawing.lines, chosen.index, { ...line, [at === 0 ? "start_px" : "end_px"]: point }) };
  }
  const ground = drawing.ground!;
  const count = ground.picture_px?.length ?? 0;
  if (at < count) return { ...drawing, ground: { ...ground, picture_px: replaced(ground.picture_px!, at, point) } };
  return { ...drawing, ground: { ...ground, check: { ...ground.check!, [at === count ? "from_px" : "to_px"]: point } } };
}

/** A new corner after corner `at`, halfway to the next. */
export function insertPoint(drawing: Drawing, index: number, at: number): Drawing {
  const zone = drawing.zones[index]!;
  const [x, y] = zone.points_px[at]!;
  const [nextX, nextY] = zone.points_px[(at + 1) % zone.points_px.length]!;
  const points = [...zone.points_px];
  points.splice(at + 1, 0, [round((x + nextX) / 2), round((y + nextY) / 2)]);
  return withZone(drawing, index, { ...zone, points_px: points });
}

/** Without corner `at`; a zone keeps at least three. */
export function removePoint(drawing: Drawing, index: number, at: number): Drawing {
  const zone = drawing.zones[index]!;
  return zone.points_px.length <= 3 ? drawing : withZone(drawing, index, { ...zone, points_px: zone.points_px.filter((_, other) => other !== at) });
}

/** Without the chosen zone, line or ground plane. */
export function remove(drawing: Drawing, chosen: Chosen): Drawing {
  if (chosen.what === "zone") return { ...drawing, zones: drawing.zones.filter((_, at) => at !== chosen.index) };
  if (chosen.what === "line") return { ...drawing, lines: drawing.lines.filter((_, at) => at !== chosen.index) };
  const { ground: _ground, ...rest } = drawing;
  return rest;
}

export const middle = (drawing: Drawing): [Point, Point, Point, Point] => {
  const [width, height] = drawing.size_px;
  const at = (x: number, y: number): Point => [round(width * x), round(height * y)];
  return [at(0.4, 0.45), at(0.6, 0.45), at(0.65, 0.65), at(0.35, 0.65)];
};

export function addZone(drawing: Drawing, kind: string, points: Point[] = middle(drawing)): Drawing {
  return { ...drawing, zones: [...drawing.zones, { id: freshId(drawing, kind), kind, name: "", points_px: points }] };
}

export function addLine(drawing: Drawing): Drawing {
  const [first, second] = middle(drawing);
  return { ...drawing, lines: [...drawing.lines, { id: freshId(drawing, "line"), name: "", start_px: first, end_px: second, forward: "forward", backward: "backward" }] };
}
