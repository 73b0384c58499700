/** Asks why, before something is done that needs a reason. */
import { useState } from "react";
import { useTranslation } from "react-i18next";

interface Props {
  title: string;
  onReason: (reason: string) => void;
  onCancel: () => void;
}

export function Ask({ title, onReason, onCancel }: Props) {
  const { t } = useTranslation();
  const [reason, setReason] = useState("");
  return (
    <form
      className="panel ask"
      aria-label={title}
      onSubmit={(event) => {
        event.preventDefault();
        onReason(reason.trim());
      }}
    >
      <h2>{title}</h2>
      <label>
        {t("ask.why")}
        <textarea autoFocus required maxLength={2000} value={reason} onChange={(event) => setReason(event.target.value)} />
      </label>
      <div className="row">
        <button className="primary" disabled={reason.trim() === ""}>{title}</button>
        <button type="button" onClick={onCancel}>{t("ask.cancel")}</button>
      </div>
    </form>
  );
}
