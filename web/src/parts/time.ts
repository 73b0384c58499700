/** Times as people of the city read them. */
import { useEffect, useState } from "react";

/** The time now, UTC seconds, that moves on by itself. */
export function useNow(stepS = 5): number {
  const [now, setNow] = useState(() => Date.now() / 1000);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now() / 1000), stepS * 1000);
    return () => clearInterval(timer);
  }, [stepS]);
  return now;
}

export function clock(atS: number, language: string, zone: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: "short", timeStyle: "medium", timeZone: zone }).format(atS * 1000);
}

/** "4 min", "2 h", "3 d": how long a stretch of time is. */
export function span(length: number, language: string): string {
  const seconds = Math.max(0, length); // two clocks never agree to the second
  const units: [number, string][] = [
    [86_400, "day"],
    [3_600, "hour"],
    [60, "minute"],
    [1, "second"],
  ];
  const [size, unit] = units.find(([length]) => Math.abs(seconds) >= length) ?? [1, "second"];
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: 0 }).format(
    Math.trunc(seconds / size),
  );
}
