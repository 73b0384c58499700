import { expect, test } from "vitest";

import { addLine, addZone, drawingOf, empty, insertPoint, movePoint, pointsOf, remove, removePoint, type Point } from "../src/zones/drawing";
import { distance, groundOf } from "../src/zones/ground";

test("four points on a tilted plane give back distances that were not used", () => {
  const toPicture = ([x, y]: Point): Point => [(900 * x + 120 * y + 640) / (0.05 * y + 1), (-300 * y + 700) / (0.05 * y + 1)];
  const ground: Point[] = [[0, 0], [3, 0], [3, 8], [0, 8]];
  const map = groundOf(ground.map(toPicture), ground)!;
  expect(distance(map, toPicture([1, 2]), toPicture([1, 7]))).toBeCloseTo(5, 6);
  expect(map(toPicture([2, 4]))[0]).toBeCloseTo(2, 6);
});

test("points on one line, or too few, are no ground", () => {
  expect(groundOf([[0, 0], [1, 1], [2, 2], [3, 3]], [[0, 0], [1, 1], [2, 2], [3, 3]])).toBeNull();
  expect(groundOf([[0, 0], [1, 0], [1, 1]], [[0, 0], [1, 0], [1, 1]])).toBeNull();
});

test("points stay inside the picture, and a zone keeps three corners", () => {
  let drawing = addZone(empty(640, 360), "crowd");
  drawing = movePoint(drawing, { what: "zone", index: 0 }, 0, [-20, 900]);
  expect(drawing.zones[0]!.points_px[0]).toEqual([0, 360]);
  drawing = insertPoint(drawing, 0, 3);
  expect(drawing.zones[0]!.points_px).toHaveLength(5);
  for (let step = 0; step < 5; step++) drawing = removePoint(drawing, 0, 0);
  expect(drawing.zones[0]!.points_px).toHaveLength(3);
});

test("ids stay unique when something in the middle was taken away", () => {
  let drawing = addZone(addZone(addZone(empty(640, 360), "bay"), "bay"), "bay");
  drawing = addZone(remove(drawing, { what: "zone", index: 1 }), "bay");
  drawing = addLine(addLine(drawing));
  const ids = [...drawing.zones, ...drawing.lines].map((entry) => entry.id);
  expect(new Set(ids).size).toBe(ids.length);
});

test("the ends of the check distance follow the ground's points", () => {
  const drawing = drawingOf({
    size_px: [640, 360],
    ground: { picture_px: [[0, 0], [9, 0], [9, 9], [0, 9]], ground_m: [[0, 0], [1, 0], [1, 1], [0, 1]], check: { from_px: [1, 1], to_px: [2, 2], distance_m: 1 } },
  });
  const moved = movePoint(drawing, { what: "ground" }, 5, [30, 40]);
  expect(moved.ground!.check!.to_px).toEqual([30, 40]);
  expect(pointsOf(moved, { what: "ground" })).toHaveLength(6);
  expect(drawing.ground!.check!.to_px).toEqual([2, 2]);
});
