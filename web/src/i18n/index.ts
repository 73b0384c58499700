/** Indonesian first, English complete. A key that is missing in either is a type error and a failed test. */
import i18next from "i18next";
import { initReactI18next } from "react-i18next";

import adminEn from "./admin.en.json";
import adminId from "./admin.id.json";
import dashEn from "./dash.en.json";
import dashId from "./dash.id.json";
import en from "./en.json";
import id from "./id.json";
import registerEn from "./register.en.json";
import registerId from "./register.id.json";
import rulesEn from "./rules.en.json";
import rulesId from "./rules.id.json";
import zonesEn from "./zones.en.json";
import zonesId from "./zones.id.json";
import screensEn from "./screens.en.json";
import screensId from "./screens.id.json";

export type Language = "id" | "en";
export const LANGUAGES: readonly Language[] = ["id", "en"];

const stored = localStorage.getItem("sewu.language");
export const first: Language = stored === "en" ? "en" : "id";

void i18next.use(initReactI18next).init({
  lng: first,
  fallbackLng: false,
  resources: {
    id: { translation: { ...id, ...dashId, ...zonesId, ...rulesId, ...registerId, ...adminId, ...screensId } },
    en: { translation: { ...en, ...dashEn, ...zonesEn, ...rulesEn, ...registerEn, ...adminEn, ...screensEn } },
  },
  interpolation: { escapeValue: false },
  returnNull: false,
});

export function speak(language: Language): void {
  localStorage.setItem("sewu.language", language);
  document.documentElement.lang = language;
  void i18next.changeLanguage(language);
}
document.documentElement.lang = first;
