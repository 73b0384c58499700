/** Keeps a screen going that nobody touches: reloads what hangs or is outdated, and keeps the display awake. */
import { ask, silenceMs } from "./line";

const SILENT_MS = 120_000;
const LOOK_MS = 60_000;

/** Begin to watch over this page. The page is read again as a whole: whatever went wrong in it is gone then. */
export function keep(): void {
  let tag: string | null = null;
  setInterval(() => {
    if (silenceMs() > SILENT_MS) void reloadWhenThere();
    else
      void ask("/kiosk", "HEAD").then(
        (answer) => {
          const now = answer.headers.get("etag");
          if (tag !== null && now !== null && now !== tag) location.reload();
          tag = now ?? tag;
        },
        () => undefined,
      );
  }, LOOK_MS);
  void awake();
  document.addEventListener("visibilitychange", () => void awake());
  window.addEventListener("unhandledrejection", (event) => console.warn("kiosk", event.reason));
}

/** A reload while the network is gone would leave the browser's error page, which never comes back by itself. */
async function reloadWhenThere(): Promise<void> {
  try {
    await ask("/kiosk", "HEAD");
    location.reload();
  } catch {
    // Still gone: the next turn looks again.
  }
}

async function awake(): Promise<void> {
  if (document.visibilityState !== "visible" || !("wakeLock" in navigator)) return;
  await navigator.wakeLock.request("screen").catch(() => undefined);
}
