/** Before a screen is paired: a code, big, and what to do with it. A new code by itself before the old one ends. */
import type { Schemas } from "../api/client";
import type { paths } from "../api/schema";
import { ask, element, read, Refused } from "./line";
import { say } from "./words";

export type Paired = Schemas["Standing"];
type Code = paths["/api/v1/kiosks/ask"]["post"]["responses"][201]["content"]["application/json"];
const EVERY_MS = 3_000;
const wait = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Until somebody paired this screen. */
export async function pairing(root: HTMLElement): Promise<Paired> {
  let code: Code | null = null;
  for (;;) {
    try {
      const standing = await read<Paired>("kiosks/mine");
      if (standing.is_paired) return standing;
      // Waiting, but the code was only in the page that asked for it: ask anew.
      if (code === null || code.until_s * 1000 < Date.now() + 10_000) code = await fresh(root);
    } catch (error) {
      if (error instanceof Refused && error.status === 404) code = await fresh(root);
      else if (error instanceof Refused && error.status === 429) note(root, say("too-often"));
      else note(root, say("waiting"));
    }
    if (code !== null) note(root, say("until", { minutes: Math.max(1, Math.round((code.until_s - Date.now() / 1000) / 60)) }));
    await wait(EVERY_MS);
  }
}

async function fresh(root: HTMLElement): Promise<Code | null> {
  try {
    const code = (await (await ask("/api/v1/kiosks/ask", "POST")).json()) as Code;
    show(root, code.code);
    return code;
  } catch (error) {
    note(root, say(error instanceof Refused && error.status === 429 ? "too-often" : "waiting"));
    await wait(10_000);
    return null;
  }
}

function show(root: HTMLElement, code: string): void {
  const box = element("section", "pairing");
  const shown = element("p", "code", `${code.slice(0, 4)} ${code.slice(4)}`);
  const steps = element("ol");
  steps.append(...(["how1", "how2", "how3"] as const).map((step) => element("li", "", say(step))));
  box.append(element("h1", "", say("pair")), shown, steps, element("p", "address", location.host), element("p", "note-line"));
  root.replaceChildren(box);
}

function note(root: HTMLElement, text: string): void {
  let line = root.querySelector<HTMLElement>(".note-line");
  if (line === null) {
    const box = element("section", "pairing");
    line = element("p", "note-line");
    box.append(element("h1", "", "Sewu"), line);
    root.replaceChildren(box);
  }
  line.setAttribute("role", "status");
  if (line.textContent !== text) line.textContent = text;
}
