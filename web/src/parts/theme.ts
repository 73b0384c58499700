/** Dark until told otherwise; remembered on this machine. */
const apply = (theme: string): void => {
  document.documentElement.dataset["theme"] = theme;
};
apply(localStorage.getItem("sewu.theme") ?? "dark");

export function toggleTheme(): void {
  const next = document.documentElement.dataset["theme"] === "light" ? "dark" : "light";
  localStorage.setItem("sewu.theme", next);
  apply(next);
  window.dispatchEvent(new Event("sewu:theme"));
}

/** The value of a theme colour now, for what draws on a canvas. */
export const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
