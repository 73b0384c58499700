import { readFileSync } from "node:fs";

import { expect, test, vi } from "vitest";

vi.mock("uplot", () => ({ default: class {} }));
vi.mock("uplot/dist/uPlot.min.css", () => ({}));
vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => undefined });
vi.stubGlobal("document", { documentElement: { dataset: {} }, cookie: "" });

const { everyBucket } = await import("../src/dash/Chart");
const { byDistrict } = await import("../src/dash/CityDash");
const { inOrder } = await import("../src/dash/RepairList");
const { csv } = await import("../src/dash/saving");
const { errorOf, FIRST, howOf, USES } = await import("../src/dash/measures");
const { asTree } = await import("../src/register/Network");
const { formatOf } = await import("../src/register/transfer");
const { bodyOf } = await import("../src/rules/rule");

const folder = new URL("../src/i18n/", import.meta.url);
const keys = (value: object, path = ""): string[] =>
  Object.entries(value).flatMap(([key, inner]) => (typeof inner === "object" ? keys(inner as object, `${path}${key}.`) : [`${path}${key}`]));
const texts = (file: string) => JSON.parse(readFileSync(new URL(file, folder), "utf8")) as Record<string, unknown>;

test("every metric shown first has a name and an error sentence in both languages", () => {
  for (const language of ["id", "en"]) {
    const known = new Set(keys(texts(`dash.${language}.json`)));
    for (const use of USES) {
      for (const metric of FIRST[use]) {
        expect(known).toContain(`dash.metric.${use}.${metric}`);
        expect(known).toContain(errorOf(use, metric));
        expect(known).toContain(`dash.how.${howOf(use, metric)}`);
      }
    }
  }
});

test("a bucket that nobody measured is a gap, not a line and not zero", () => {
  const answered = { camera_id: "C", analytic: "crowd", metric: "count", unit: "persons", starts_s: [300, 900], values: [0, 4], coverage: [1, 0.5], rows: [5, 2] };
  const rows = everyBucket(answered, 10, 1200, 300);
  expect(rows.map((row) => row.value)).toEqual([null, 0, null, 4]);
  expect(rows.map((row) => row.coverage)).toEqual([0, 1, 0, 0.5]);
});

test("availability adds up by kecamatan, whatever the depth of an area", () => {
  const sums = byDistrict([
    { area_code: "33.74.02.1001.RW01.RT02", cameras: 2, up_s: 10, degraded_s: 0, down_s: 5 },
    { area_code: "33.74.01", cameras: 1, up_s: 1, degraded_s: 1, down_s: 1 },
    { area_code: "33.74.02", cameras: 1, up_s: 5, degraded_s: 2, down_s: 0 },
  ]);
  expect(sums).toEqual([
    { code: "33.74.01", cameras: 1, up: 1, degraded: 1, down: 1 },
    { code: "33.74.02", cameras: 3, up: 15, degraded: 2, down: 5 },
  ]);
});

test("repairs stand by kecamatan, then cause, then longest first", () => {
  const camera = (id: string, area_code: string, reason: string, since_s: number) => ({ id, area_code, state: { reason, since_s } }) as never;
  const rows = inOrder([camera("d", "33.74.02", "dark", 1), camera("c", "33.74.01.1", "dark", 9), camera("b", "33.74.01.2", "dark", 3), camera("a", "33.74.01.9", "covered", 50)]);
  expect(rows.map((row) => row.id)).toEqual(["a", "b", "c", "d"]);
});

test("a spreadsheet takes no text for a formula, and numbers stay numbers", () => {
  expect(csv([["=1+1", '"a", b', -3, null], ["-x", "ok", 0.5, 1]])).toBe(`'=1+1,"""a"", b",-3,\r\n'-x,ok,0.5,1\r\n`);
});

test("what depends on something stands below it, and no part is lost or shown twice", () => {
  const part = (id: string, parent_id: string | null) => ({ id, parent_id }) as never;
  expect(asTree([part("wifi", "up"), part("up", null), part("lost", "elsewhere"), part("sub", "wifi")]).map(({ asset, depth }) => [asset.id, depth])).toEqual([["up", 0], ["wifi", 1], ["sub", 2], ["lost", 0]]);
});

test("a list's format is told by its name", () => {
  expect([formatOf("a.csv"), formatOf("a.GeoJSON"), formatOf("a.json"), formatOf("a")]).toEqual(["csv", "geojson", "geojson", "csv"]);
});

test("a form becomes a rule: one threshold, no schedule unless asked, empty fields stay empty", () => {
  const form = new FormData();
  const fields = { id: "new", kind: "queue", area: "33.74", analytic: "traffic", metric: "queue_count", side: "below", threshold: "0", zones: "a, b,", labels: "class=car", severity: "high", forS: "", updateEveryS: "" };
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  const { rule, ...body } = bodyOf(form);
  expect(body).toEqual({ area_code: "33.74", camera_id: null, is_on: false });
  expect(rule).toMatchObject({ above: null, below: 0, zones: ["a", "b"], labels: { class: "car" }, schedule: null, for_s: 0, gap_s: 60, update_every_s: null, clear: null });
});
