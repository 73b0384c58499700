/** Waiting, wrong and empty: said in words, with what to do. */
import { useTranslation } from "react-i18next";

export function Waiting() {
  const { t } = useTranslation();
  return (
    <div className="center soft" role="status" aria-live="polite">
      {t("state.waiting")}
    </div>
  );
}

export function Wrong({ error }: { error: unknown }) {
  const { t } = useTranslation();
  return (
    <div className="note wrong" role="alert">
      <strong>{t("state.wrong")}</strong> {error instanceof Error ? error.message : String(error)}
    </div>
  );
}

export function Empty({ text }: { text: string }) {
  return <p className="soft">{text}</p>;
}
