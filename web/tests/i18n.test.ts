/** Both languages say everything, and say nothing that the other does not. */
import { readFileSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";

const folder = new URL("../src/", import.meta.url).pathname;

function keys(value: object, path = ""): string[] {
  return Object.entries(value).flatMap(([name, inner]) =>
    typeof inner === "object" && inner !== null ? keys(inner as object, `${path}${name}.`) : [`${path}${name}`],
  );
}

const read = (name: string): object => JSON.parse(readFileSync(`${folder}i18n/${name}`, "utf8")) as object;
const parts = readdirSync(`${folder}i18n`).filter((name) => name.endsWith("id.json"));

test.each(parts)("%s and its English say the same things", (name) => {
  expect(keys(read(name.replace(/id\.json$/, "en.json"))).sort()).toEqual(keys(read(name)).sort());
});

test("every text that the screens ask for by name exists", () => {
  const known = new Set(parts.flatMap((name) => keys(read(name))));
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => /\.tsx?$/.test(name));
  const asked = files.flatMap((name) => [...readFileSync(folder + name, "utf8").matchAll(/\bt\("([\w.-]+)"/g)].map((found) => found[1]!));
  const missing = [...new Set(asked)].filter((key) => !known.has(key) && !known.has(`${key}_other`));
  expect(asked.length).toBeGreaterThan(50);
  expect(missing).toEqual([]);
});
