/** The line to the service: every question has an end, and how long nothing was answered is known. */

export class Refused extends Error {
  constructor(readonly status: number) {
    super(`HTTP ${status}`);
  }
}

const WITHIN_MS = 10_000;
let answeredAt = Date.now();

/** Milliseconds since the API last answered anything at all; that the page itself is served does not count. */
export const silenceMs = (): number => Date.now() - answeredAt;

const csrf = (): string => /(?:^|; )sewu_csrf=([^;]*)/.exec(document.cookie)?.[1] ?? "";

/** Ask the service. Throws `Refused` for a refusal, another error when there is no answer in time. */
export async function ask(path: string, method: "GET" | "POST" | "HEAD" = "GET"): Promise<Response> {
  const headers: Record<string, string> = method === "POST" ? { "X-CSRF-Token": decodeURIComponent(csrf()) } : {};
  const answer = await fetch(path, { method, headers, cache: "no-store", signal: AbortSignal.timeout(WITHIN_MS) });
  if (answer.status < 500 && path.startsWith("/api/")) answeredAt = Date.now();
  if (!answer.ok) throw new Refused(answer.status);
  return answer;
}

export async function read<T>(path: string): Promise<T> {
  return (await ask(`/api/v1/${path}`)).json() as Promise<T>;
}

/** An element with a class and text; what the service said is never taken for markup. */
export function element<K extends keyof HTMLElementTagNameMap>(tag: K, name = "", text = ""): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text) made.textContent = text;
  return made;
}
