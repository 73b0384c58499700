/** Indonesian first, English complete. A key that is missing in either is a type error and a failed test. */
import i18next from "i18next";
import { initReactI18next } from "react-i18next";

import en from "./en.json";
import id from "./id.json";
import screensEn from "./screens.en.json";
import screensId from "./screens.id.json";

export type Language = "id" | "en";
export const LANGUAGES: readonly Language[] = ["id", "en"];

const stored = localStorage.getItem("sewu.language");
export const first: Language = stored === "en" ? "en" : "id";

void i18next.use(initReactI18next).init({
  lng: first,
  fallbackLng: false,
  resources: { id: { translation: { ...id, ...screensId } }, en: { translation: { ...en, ...screensEn } } },
  interpolation: { escapeValue: false },
  returnNull: false,
});

export function speak(language: Language): void {
  localStorage.setItem("sewu.language", language);
  document.documentElement.lang = language;
  void i18next.changeLanguage(language);
}
document.documentElement.lang = first;
