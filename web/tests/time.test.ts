import { expect, test } from "vitest";

import { clock, span } from "../src/parts/time";

test("spans are told in the largest unit that fits", () => {
  expect(span(59, "en")).toBe("59 sec");
  expect(span(61, "en")).toBe("1 min");
  expect(span(7300, "id")).toBe("2 j");
  expect(span(200_000, "en")).toBe("2 days");
});

test("times are those of the city, wherever the browser is", () => {
  expect(clock(0, "en-GB", "Asia/Jakarta")).toContain("07:00");
});
