/** A rule between what the service keeps and what a form shows. */
import type { Schemas } from "../api/client";

export type Rule = Schemas["Rule"];
export type Kept = Schemas["RuleVersion"];
export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export const SEVERITIES = ["critical", "high", "medium", "low", "info"] as const;

/** A kept rule's document, as the service checked it. */
export const ruleOf = (kept: Kept): Rule => kept.document as unknown as Rule;

const words = (text: string) => text.split(",").map((word) => word.trim()).filter(Boolean);
export const joined = (list: readonly string[] | undefined) => (list ?? []).join(", ");
export const labelText = (labels: Record<string, string> | undefined) => Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`).join(", ");

function labelsOf(text: string): Record<string, string> {
  return Object.fromEntries(words(text).map((word) => {
    const at = word.indexOf("=");
    return at < 0 ? [word, ""] : [word.slice(0, at).trim(), word.slice(at + 1).trim()];
  }));
}

/** What a rule's form holds, as the service takes it; its faults are the service's to name. */
export function bodyOf(form: FormData): Schemas["RuleBody"] {
  const text = (name: string) => String(form.get(name) ?? "").trim();
  const number = (name: string): number | null => (text(name) === "" ? null : Number(text(name)));
  const threshold = number("threshold");
  const schedule: Schemas["Schedule"] | null = form.get("scheduled")
    ? { weekdays: form.getAll("weekday") as Schemas["Schedule"]["weekdays"], hours: words(text("hours")), tz: text("tz") }
    : null;
  return {
    area_code: text("area"),
    camera_id: text("camera") || null,
    is_on: form.get("isOn") !== null,
    rule: {
      id: text("id"),
      kind: text("kind"),
      analytic: text("analytic"),
      metric: text("metric"),
      zones: words(text("zones")),
      labels: labelsOf(text("labels")),
      above: text("side") === "above" ? threshold : null,
      below: text("side") === "below" ? threshold : null,
      clear: number("clear"),
      for_s: number("forS") ?? 0,
      clear_for_s: number("clearForS") ?? 0,
      gap_s: number("gapS") ?? 60,
      cool_down_s: number("coolDownS") ?? 0,
      schedule,
      severity: text("severity") as Rule["severity"],
      agency: text("agency") || null,
      update_every_s: number("updateEveryS"),
      min_coverage: number("minCoverage") ?? 0,
    },
  };
}
