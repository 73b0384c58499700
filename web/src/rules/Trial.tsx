/** What a rule would have done in the last seven days, had it been there: on what was measured, nothing else. */
import { useTranslation } from "react-i18next";

import type { Schemas } from "../api/client";
import { useMe } from "../api/me";
import { clock } from "../parts/time";

export function Trial({ tried }: { tried: Schemas["Tried"] }) {
  const { t, i18n } = useTranslation();
  const me = useMe();
  const number = new Intl.NumberFormat(i18n.language, { maximumFractionDigits: 1 });
  if (tried.observations === 0 || tried.from_s == null || tried.to_s == null) {
    return <p className="note" role="status">{t("rules.triedNothing")}</p>;
  }
  const days = Object.entries(tried.by_day);
  return (
    <div className="note" role="status">
      <p>
        {t("rules.tried", {
          incidents: number.format(tried.incidents), events: number.format(tried.events), observations: number.format(tried.observations),
          cameras: number.format(tried.cameras), from: clock(tried.from_s, i18n.language, me.timezone), to: clock(tried.to_s, i18n.language, me.timezone),
        })}{" "}
        <strong>{tried.per_day == null ? t("rules.tooShort") : t("rules.perDay", { number: number.format(tried.per_day) })}</strong>
      </p>
      {days.length > 0 && <table><tbody>{days.map(([day, count]) => <tr key={day}><th scope="row">{day}</th><td className="number">{number.format(count)}</td></tr>)}</tbody></table>}
    </div>
  );
}
