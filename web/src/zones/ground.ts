/** The ground plane from known points: a homography by least squares on normalised points, as the service computes it again. */
import type { Point } from "./drawing";

type Eight = readonly number[];

/** Moves points to mean 0 and scale 1, without which the equations of a picture's large pixel numbers lose their digits. */
function normal(points: readonly Point[]): { x: number; y: number; scale: number } {
  const x = points.reduce((sum, point) => sum + point[0], 0) / points.length;
  const y = points.reduce((sum, point) => sum + point[1], 0) / points.length;
  const spread = points.reduce((sum, point) => sum + Math.hypot(point[0] - x, point[1] - y), 0) / points.length;
  return { x, y, scale: spread > 0 ? 1 / spread : 1 };
}

/** Solves a square system by elimination with pivots; null when it has no single answer. */
function solved(rows: number[][]): number[] | null {
  const size = rows.length;
  for (let column = 0; column < size; column++) {
    let best = column;
    for (let row = column + 1; row < size; row++) if (Math.abs(rows[row]![column]!) > Math.abs(rows[best]![column]!)) best = row;
    if (Math.abs(rows[best]![column]!) < 1e-10) return null;
    [rows[column], rows[best]] = [rows[best]!, rows[column]!];
    for (let row = 0; row < size; row++) {
      if (row === column) continue;
      const factor = rows[row]![column]! / rows[column]![column]!;
      for (let at = column; at <= size; at++) rows[row]![at]! -= factor * rows[column]![at]!;
    }
  }
  return rows.map((row, at) => row[size]! / row[at]!);
}

/** From picture to ground, metres; null for fewer than four pairs or points on one line. */
export function groundOf(picture: readonly Point[], ground: readonly Point[]): ((point: Point) => Point) | null {
  if (picture.length < 4 || picture.length !== ground.length) return null;
  const from = normal(picture);
  const to = normal(ground);
  const equations: number[][] = [];
  picture.forEach((point, index) => {
    const [x, y] = [(point[0] - from.x) * from.scale, (point[1] - from.y) * from.scale];
    const [u, v] = [(ground[index]![0] - to.x) * to.scale, (ground[index]![1] - to.y) * to.scale];
    equations.push([x, y, 1, 0, 0, 0, -u * x, -u * y, u], [0, 0, 0, x, y, 1, -v * x, -v * y, v]);
  });
  const normalEquations = Array.from({ length: 8 }, (_, row) =>
    Array.from({ length: 9 }, (_unused, column) => equations.reduce((sum, equation) => sum + equation[row]! * equation[column]!, 0)),
  );
  const h: Eight | null = solved(normalEquations);
  if (h === null) return null;
  return ([pointX, pointY]) => {
    const [x, y] = [(pointX - from.x) * from.scale, (pointY - from.y) * from.scale];
    const depth = h[6]! * x + h[7]! * y + 1;
    return [(h[0]! * x + h[1]! * y + h[2]!) / depth / to.scale + to.x, (h[3]! * x + h[4]! * y + h[5]!) / depth / to.scale + to.y];
  };
}

/** Metres between two places of the picture on the ground. */
export function distance(map: (point: Point) => Point, one: Point, other: Point): number {
  const [x, y] = map(one);
  const [otherX, otherY] = map(other);
  return Math.hypot(x - otherX, y - otherY);
}
