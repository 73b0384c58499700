/** Exports as files. What an export is for goes along with it and into the audit. */
import { api } from "../api/client";
import type { paths } from "../api/schema";

type Wanted = paths["/api/v1/observations/export"]["get"]["parameters"]["query"];

export function saveText(text: string | Blob, name: string, type = "text/csv;charset=utf-8"): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(text instanceof Blob ? text : new Blob([text], { type }));
  link.download = name;
  link.click();
  // The download has begun by then; the browser would keep the whole file in memory otherwise.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export const PURPOSES = ["safety", "traffic", "disaster", "trade", "maintenance", "planning", "audit", "administration"] as const;
export type Purpose = (typeof PURPOSES)[number];

/** A series as a CSV file. Throws `Refusal` where the right is missing. */
export async function saveSeries(query: Wanted, purpose: Purpose, name: string): Promise<void> {
  const answer = await api.GET("/api/v1/observations/export", {
    params: { query },
    parseAs: "blob",
    headers: { "Sewu-Purpose": purpose },
  });
  saveText(answer.data as unknown as Blob, name);
}

/** Rows as CSV (RFC 4180). Text that a spreadsheet would take for a formula is marked as text. */
export function csv(rows: readonly (readonly (string | number | null)[])[]): string {
  const cell = (value: string | number | null) => {
    const text = value === null ? "" : typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}
