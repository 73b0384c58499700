/** A paired screen: its area's cameras, the time, and what is going on. Nobody touches it, so everything turns by itself. */
import type { Schemas } from "../api/client";
import { element, read, silenceMs } from "./line";
import { grid, pageOf, TURN_MS } from "./layout";
import type { Paired } from "./pairing";
import { Tile, type Camera } from "./tile";
import { age, say, spoken, speak } from "./words";

type Incident = Schemas["Incident"];
interface Page<T> {
  rows: T[];
}
const CAMERAS_MS = 30_000;
const INCIDENTS_MS = 5_000;
const MOST_CAMERAS = 200;
const ORDER = ["up", "degraded", "down", "unknown"] as const;
const MOST_LIVE = 4;
const LIVE_STATES = ["open", "acknowledged", "assigned", "in_progress"].map((state) => `state=${state}`).join("&");
const WORST = ["critical", "high", "medium", "low", "info"];

export class Board {
  readonly #isDistrict = new URLSearchParams(location.search).get("layout") === "district";
  readonly #time = element("time", "time");
  readonly #date = element("span", "date");
  readonly #count = element("span", "count");
  readonly #banner = element("p", "banner");
  readonly #tiles = element("div", "tiles");
  readonly #list = element("aside", "list");
  #timezone = "Asia/Jakarta";
  #cameras: Camera[] | null = null;
  #counts: Record<string, number> = {};
  #incidents: Incident[] = [];
  #severity = new Map<string, string>();
  #shown = new Map<string, Tile>();

  constructor(root: HTMLElement, paired: Paired) {
    const head = element("header", "head");
    const name = element("h1", "", paired.name ?? "Sewu");
    const clock = element("div", "clock");
    clock.append(this.#time, this.#date);
    const about = element("div", "about");
    about.append(name, this.#count);
    head.append(about, clock);
    this.#banner.setAttribute("role", "status");
    const body = element("div", this.#isDistrict ? "body district" : "body");
    body.append(this.#tiles, ...(this.#isDistrict ? [this.#list] : []));
    root.replaceChildren(head, this.#banner, body);
    // A new resolution, or the browser's bars going away, changes what fits.
    window.addEventListener("resize", () => this.#arrange());
  }

  /** Until this screen is no longer paired: the promise then rejects with the refusal. */
  async run(): Promise<never> {
    const me = await read<Schemas["Me"]>("me");
    speak(me.language);
    this.#timezone = me.timezone;
    setInterval(() => this.#tick(), 1_000);
    setInterval(() => this.#arrange(), TURN_MS / 4);
    let camerasAt = 0;
    for (;;) {
      try {
        if (Date.now() - camerasAt > CAMERAS_MS) {
          this.#cameras = await this.#register();
          camerasAt = Date.now();
        }
        await this.#look();
      } catch (error) {
        if (await this.#isEnded()) throw error;
      }
      this.#arrange();
      await new Promise((done) => setTimeout(done, INCIDENTS_MS));
    }
  }

  async #isEnded(): Promise<boolean> {
    return read<Paired>("kiosks/mine").then(
      (standing) => !standing.is_paired,
      (error: { status?: number }) => error.status === 404,
    );
  }

  /** Its cameras, those that show something first: of a large area the dark ones are counted, not shown. */
  async #register(): Promise<Camera[]> {
    this.#counts = await read<Record<string, number>>("cameras/counts");
    const found: Camera[] = [];
    for (const condition of ORDER) {
      const room = MOST_CAMERAS - found.length;
      if (room > 0 && (found.length === 0 || (this.#counts[condition] ?? 0) <= room))
        found.push(...(await read<Page<Camera>>(`cameras?condition=${condition}&limit=${room}`)).rows);
    }
    return found;
  }

  async #look(): Promise<void> {
    const page = await read<Page<Incident>>(`incidents?${LIVE_STATES}&limit=50`);
    const before = new Set(this.#incidents.map((incident) => incident.id));
    this.#incidents = page.rows.sort((a, b) => WORST.indexOf(a.severity) - WORST.indexOf(b.severity) || b.opened_at_s - a.opened_at_s);
    if (this.#incidents.length === before.size && this.#incidents.every((incident) => before.has(incident.id))) return;
    const severity = new Map<string, string>();
    for (const incident of this.#incidents.slice(0, 8)) {
      const cameras = await read<string[]>(`incidents/${encodeURIComponent(incident.id)}/cameras`);
      for (const camera of cameras) if (!severity.has(camera)) severity.set(camera, incident.severity);
    }
    this.#severity = severity;
  }

  #arrange(): void {
    const cameras = this.#cameras;
    if (cameras === null) return;
    const box = this.#tiles.getBoundingClientRect();
    const first = cameras.filter((camera) => this.#severity.has(camera.id));
    // Cameras that show something before those that do not: a screen of black tiles tells nobody anything.
    const others = cameras.filter((camera) => !this.#severity.has(camera.id)).sort((a, b) => rank(a) - rank(b));
    const { columns, rows } = grid(cameras.length, box.width, box.height);
    const { shown, page, pages } = pageOf(first, others, columns * rows, Math.floor(Date.now() / TURN_MS));
    this.#tiles.style.setProperty("--columns", String(columns));
    this.#tiles.style.setProperty("--rows", String(rows));
    this.#place(shown);
    const all = Object.values(this.#counts).reduce((sum, count) => sum + count, 0);
    const parts = [say("cameras", { up: this.#counts["up"] ?? 0, all }), ...(pages > 1 ? [say("page", { page, pages })] : [])];
    this.#count.textContent = cameras.length === 0 ? say("none") : parts.join(" · ");
    this.#tell();
  }

  #place(shown: Camera[]): void {
    const wanted = new Set(shown.map((camera) => camera.id));
    for (const [id, tile] of this.#shown) {
      const now = shown.find((camera) => camera.id === id);
      if (!wanted.has(id) || now?.version !== tile.camera.version || now.condition !== tile.camera.condition) {
        tile.close();
        this.#shown.delete(id);
      }
    }
    let live = 0;
    for (const camera of shown) {
      const tile = this.#shown.get(camera.id) ?? new Tile(camera);
      this.#shown.set(camera.id, tile);
      if (!tile.box.isConnected) this.#tiles.append(tile.box);
      const severity = this.#severity.get(camera.id) ?? null;
      tile.mark(severity);
      tile.box.style.order = String(shown.indexOf(camera));
      tile.live(severity !== null && live++ < MOST_LIVE);
    }
  }

  #tell(): void {
    const [worst, ...rest] = this.#incidents;
    const more = rest.length > 0 ? ` ${say("more", { count: rest.length })}` : "";
    const lost = silenceMs() > 20_000;
    const lostAt = new Date(Date.now() - silenceMs()).toLocaleTimeString(spoken(), { timeZone: this.#timezone });
    this.#banner.dataset["severity"] = lost ? "lost" : (worst?.severity ?? "");
    const says = lost ? say("lost", { time: lostAt }) : worst ? say("incident", { title: worst.title }) + more : say("calm");
    if (this.#banner.textContent !== says) this.#banner.textContent = says;
    if (!this.#isDistrict) return;
    const rows = this.#incidents.slice(0, 12).map((incident) => {
      const row = element("li", "", incident.title);
      row.dataset["severity"] = incident.severity;
      row.append(element("span", "soft", age(Date.now() / 1000 - incident.opened_at_s)));
      return row;
    });
    const list = element("ol");
    list.append(...rows);
    this.#list.replaceChildren(element("h2", "", say("incidents")), rows.length > 0 ? list : element("p", "soft", say("calm")));
  }

  #tick(): void {
    const now = new Date();
    const at = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(spoken(), { timeZone: this.#timezone, ...options }).format(now);
    this.#time.textContent = at({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
    this.#time.dateTime = now.toISOString();
    this.#date.textContent = at({ weekday: "long", day: "numeric", month: "long", year: "numeric" });
    for (const tile of this.#shown.values()) tile.check(now.getTime());
    if (silenceMs() > 20_000) this.#tell();
  }
}

const rank = (camera: Camera): number => ORDER.indexOf(camera.condition);
