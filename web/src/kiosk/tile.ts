/** One camera on the screen: stills, or live video where that is wanted and allowed. Heals itself when pictures stop coming. */
import type { Schemas } from "../api/client";
import { Player } from "../live/player";
import { ask, element, Refused } from "./line";
import { age, say } from "./words";

export type Camera = Schemas["CameraView"];
const STILL_MS = 5_000;
const SLOWEST_MS = 60_000;
const FROZEN_MS = 15_000;

export class Tile {
  readonly box = element("figure", "tile");
  readonly #image = element("img");
  readonly #says = element("p", "says");
  readonly #mark = element("span", "mark");
  #timer: ReturnType<typeof setTimeout> | undefined;
  #waitMs = STILL_MS;
  #pictureAt: number | null = null;
  #url: string | null = null;
  #player: Player | null = null;
  #video: HTMLVideoElement | null = null;
  #movedAt = 0;
  #position = 0;
  #closed = false;

  constructor(readonly camera: Camera) {
    const title = element("figcaption");
    title.append(element("span", "", camera.name), this.#mark);
    this.#image.alt = camera.name;
    this.#image.hidden = true;
    this.box.append(this.#image, this.#says, title);
    this.#says.textContent = say("waiting");
    void this.#still();
  }

  /** Live from now on, or no longer. A camera with masks stays with stills: the service refuses its live video to screens. */
  live(wanted: boolean): void {
    if (!wanted || this.camera.masks.length > 0) this.#stop();
    else if (this.#player === null) this.#play();
  }

  mark(severity: string | null): void {
    this.box.dataset["severity"] = severity ?? "";
  }

  /** Called every second: says how old the picture is, and starts again what stands still. */
  check(now: number): void {
    const video = this.#video;
    if (video !== null) {
      if (video.currentTime !== this.#position) [this.#position, this.#movedAt] = [video.currentTime, now];
      video.hidden = now - this.#movedAt > 4_000 || this.#position === 0;
      if (now - this.#movedAt > FROZEN_MS) {
        this.#stop();
        this.#play();
      }
    }
    const isLive = video !== null && !video.hidden;
    this.#mark.textContent = isLive ? say("live") : this.camera.condition === "up" ? "" : say(this.camera.condition);
    this.#mark.dataset["condition"] = isLive ? "live" : this.camera.condition;
    if (isLive) this.#says.textContent = "";
    else if (this.#pictureAt !== null && now - this.#pictureAt > 3 * STILL_MS)
      this.#says.textContent = say("old", { age: age((now - this.#pictureAt) / 1000) });
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#stop();
    if (this.#url !== null) URL.revokeObjectURL(this.#url);
    this.box.remove();
  }

  #play(): void {
    const video = element("video");
    video.muted = true;
    video.playsInline = true;
    video.hidden = true;
    this.box.insertBefore(video, this.#says);
    [this.#video, this.#position, this.#movedAt] = [video, 0, Date.now()];
    this.#player = new Player(video, this.camera.id, (standing) => {
      if (standing.kind === "unsupported") this.#stop();
    });
  }

  #stop(): void {
    this.#player?.close();
    this.#video?.remove();
    [this.#player, this.#video] = [null, null];
  }

  async #still(): Promise<void> {
    const isPlaying = this.#video !== null && !this.#video.hidden;
    if (!isPlaying) await this.#fetch();
    if (!this.#closed) this.#timer = setTimeout(() => void this.#still(), this.#waitMs);
  }

  async #fetch(): Promise<void> {
    try {
      const picture = await (await ask(`/api/v1/cameras/${encodeURIComponent(this.camera.id)}/still`)).blob();
      const before = this.#url;
      this.#url = URL.createObjectURL(picture);
      this.#image.src = this.#url;
      this.#image.hidden = false;
      if (before !== null) URL.revokeObjectURL(before);
      [this.#pictureAt, this.#waitMs] = [Date.now(), STILL_MS];
      this.#says.textContent = "";
    } catch (error) {
      this.#waitMs = Math.min(SLOWEST_MS, this.#waitMs * 2);
      if (this.#pictureAt === null && error instanceof Refused) this.#says.textContent = say("no-picture");
    }
  }
}
