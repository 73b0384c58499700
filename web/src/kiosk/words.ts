/** What the kiosk says, in the city's language: Indonesian until the service has told otherwise. No library: the script must stay small. */
import en from "./words.en.json";
import id from "./words.id.json";

export type Word = keyof typeof id;
const both: Record<string, Record<Word, string>> = { id, en };
let language = "id";

export function speak(wanted: string): void {
  language = wanted in both ? wanted : "id";
  document.documentElement.lang = language;
}

export const spoken = (): string => language;

export function say(word: Word, values: Record<string, string | number> = {}): string {
  return both[language]![word].replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
}

/** How long ago something was. */
export function age(seconds: number): string {
  if (seconds < 90) return say("seconds", { count: Math.max(0, Math.round(seconds)) });
  if (seconds < 5400) return say("minutes", { count: Math.round(seconds / 60) });
  return say("hours", { count: Math.round(seconds / 3600) });
}
