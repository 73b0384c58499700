/** How many tiles, in how many columns, make the most of a screen. */

const SMALLEST_PX = 400;
const ASPECT = 16 / 9;
export const TURN_MS = 20_000;

export interface Grid {
  columns: number;
  rows: number;
}

/** Columns and rows for `count` tiles of 16:9 on this much room: the tiles as large as can be, none narrower than 400 px where the screen is wider. */
export function grid(count: number, widthPx: number, heightPx: number): Grid {
  const most = { columns: Math.max(1, Math.floor(widthPx / SMALLEST_PX)), rows: Math.max(1, Math.floor(heightPx / (SMALLEST_PX / ASPECT))) };
  let best: Grid = { columns: 1, rows: 1 };
  let bestPx = 0;
  for (let columns = 1; columns <= most.columns; columns++) {
    const rows = Math.min(most.rows, Math.ceil(Math.max(1, count) / columns));
    const shown = Math.min(count, columns * rows);
    const tilePx = Math.min(widthPx / columns, (heightPx / rows) * ASPECT);
    // All of them at once is worth more than large ones; among equals the larger.
    const score = shown * 100_000 + tilePx;
    if (score > bestPx) [best, bestPx] = [{ columns, rows }, score];
  }
  return best;
}

/** The cameras of one page. Those with an incident come first, on every page: they are what somebody must see. */
export function pageOf<T>(first: readonly T[], others: readonly T[], perPage: number, turn: number): { shown: T[]; page: number; pages: number } {
  const pinned = first.slice(0, perPage);
  const room = perPage - pinned.length;
  if (room === 0 || others.length === 0) return { shown: [...pinned, ...others.slice(0, room)], page: 1, pages: 1 };
  const pages = Math.ceil(others.length / room);
  const page = turn % pages;
  return { shown: [...pinned, ...others.slice(page * room, (page + 1) * room)], page: page + 1, pages };
}
