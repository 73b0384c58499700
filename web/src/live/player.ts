/** Plays fragmented MP4 that comes over a socket, with Media Source Extensions. Stays near the live edge, and says why it stops. */

export type Standing = { kind: "starting" } | { kind: "playing" } | { kind: "unsupported"; mime: string } | { kind: "ended"; why: string; word: string; retryS: number };

const KEEP_S = 20;
const AT_MOST_BEHIND_S = 1.2;
const RETRY_S = [1, 2, 4, 8, 15];

export class Player {
  #socket: WebSocket | null = null;
  #source: MediaSource | null = null;
  #buffer: SourceBuffer | null = null;
  #waiting: ArrayBuffer[] = [];
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  #url: string | null = null;

  constructor(
    readonly video: HTMLVideoElement,
    readonly cameraId: string,
    readonly onStanding: (standing: Standing) => void,
  ) {
    this.#connect();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
    this.#forget();
  }

  #connect(): void {
    this.onStanding({ kind: "starting" });
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/api/v1/cameras/${encodeURIComponent(this.cameraId)}/live`);
    socket.binaryType = "arraybuffer";
    let why = "";
    let word = "";
    socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
      if (typeof event.data !== "string") {
        this.#waiting.push(event.data);
        this.#feed();
        return;
      }
      const said = JSON.parse(event.data) as { mime?: string; end?: string; kind?: string };
      if (said.mime !== undefined && !this.#open(said.mime)) socket.close();
      if (said.end !== undefined) [why, word] = [said.end, said.kind ?? ""];
    };
    socket.onclose = (event) => {
      if (this.#closed || socket !== this.#socket) return;
      const retryS = RETRY_S[Math.min(this.#failures++, RETRY_S.length - 1)]!;
      if (this.#source === null || why !== "" || event.reason !== "") this.onStanding({ kind: "ended", why: why || event.reason, word, retryS });
      this.#timer = setTimeout(() => this.#connect(), retryS * 1000);
    };
    this.#socket = socket;
  }

  /** Make room for a stream of this kind; false when the browser cannot play it. */
  #open(mime: string): boolean {
    this.#forget();
    if (!("MediaSource" in window) || !MediaSource.isTypeSupported(mime)) {
      this.onStanding({ kind: "unsupported", mime });
      this.#closed = true;
      return false;
    }
    const source = new MediaSource();
    this.#source = source;
    this.#url = URL.createObjectURL(source);
    this.video.src = this.#url;
    source.addEventListener("sourceopen", () => {
      if (source !== this.#source) return;
      this.#buffer = source.addSourceBuffer(mime);
      this.#buffer.addEventListener("updateend", () => this.#after());
      this.#feed();
    });
    return true;
  }

  #feed(): void {
    const buffer = this.#buffer;
    if (buffer === null || buffer.updating || this.#waiting.length === 0) return;
    try {
      buffer.appendBuffer(join(this.#waiting));
      this.#waiting = [];
    } catch {
      this.#socket?.close(); // a full or failed buffer: begin anew at the next keyframe
    }
  }

  #after(): void {
    const { video } = this;
    const buffer = this.#buffer;
    if (buffer === null || buffer.buffered.length === 0) return;
    const begin = buffer.buffered.start(0);
    const end = buffer.buffered.end(buffer.buffered.length - 1);
    if (video.paused) void video.play().catch(() => undefined);
    if (end - video.currentTime > AT_MOST_BEHIND_S || video.currentTime < begin) video.currentTime = Math.max(begin, end - 0.3);
    if (end > 0) {
      this.#failures = 0;
      this.onStanding({ kind: "playing" });
    }
    if (end - begin > 2 * KEEP_S && !buffer.updating) buffer.remove(begin, end - KEEP_S);
    else this.#feed();
  }

  #forget(): void {
    this.#buffer = null;
    this.#source = null;
    this.#waiting = [];
    if (this.#url !== null) URL.revokeObjectURL(this.#url);
    this.#url = null;
    this.video.removeAttribute("src");
  }
}

function join(parts: ArrayBuffer[]): ArrayBuffer {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    all.set(new Uint8Array(part), at);
    at += part.byteLength;
  }
  return all.buffer;
}
