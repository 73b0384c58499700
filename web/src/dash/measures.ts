/** What the dashboards show of each analytic: which metrics first, how a bucket is summed up, and the error that was measured. */

export const USES = ["crowd", "traffic", "parking", "order", "health"] as const;
export type Use = (typeof USES)[number];
export type How = "mean" | "max" | "sum";

export const RANGES = {
  "6h": { span_s: 6 * 3600, bucket_s: 300 },
  "24h": { span_s: 24 * 3600, bucket_s: 900 },
  "7d": { span_s: 7 * 86_400, bucket_s: 3600 },
  "30d": { span_s: 30 * 86_400, bucket_s: 4 * 3600 },
} as const;
export type Range = keyof typeof RANGES;

/** The metrics that answer the use's first question; the others are a tick away. */
export const FIRST: Record<Use, readonly string[]> = {
  crowd: ["count", "max_count", "density", "gatherings"],
  traffic: ["total", "mean_speed", "queue_count", "service_level"],
  parking: ["bays_occupied", "occupied_share", "turnover", "stationary_s"],
  order: ["intruders", "loiter_s", "left_s"],
  health: ["frame_rate", "sharpness", "light", "view_ok"],
};

const SUMMED = new Set(["traffic.crossing", "traffic.count", "traffic.total", "health.view_change"]);
const PEAKED = new Set([
  "crowd.max_count", "crowd.group_size", "crowd.group_dwell", "crowd.scenery", "parking.stationary_s", "parking.queued_s",
  "order.intruders", "order.inside_s", "order.loiter_s", "order.left_s", "health.unchanged_s", "health.away_s",
]);

/** Counts of happenings are summed, lasting stays are shown at their longest, states are averaged. */
export function howOf(use: Use, metric: string): How {
  const name = `${use}.${metric}`;
  return SUMMED.has(name) ? "sum" : PEAKED.has(name) ? "max" : "mean";
}

const ERRORS: Record<string, string> = {
  "crowd.count": "crowd_count",
  "traffic.crossing": "traffic_count", "traffic.total": "traffic_count",
  "parking.occupied": "parking_occupied", "parking.bays_occupied": "parking_occupied",
  "order.left_s": "order_left",
  "health.view_ok": "health_view", "health.view_change": "health_view",
  "health.dark": "health_flags", "health.blurred": "health_flags", "health.covered": "health_flags", "health.frozen": "health_flags",
  "health.frame_rate": "read",
};

/** Key of the sentence that says what error was measured; figures are those of docs/evaluation.md and the analytic's page. */
export const errorOf = (use: Use, metric: string): string => `dash.errors.${ERRORS[`${use}.${metric}`] ?? "none"}`;
