/** One obligation's form. */
import { useTranslation } from "react-i18next";

import type { Schemas } from "../api/client";
import { useMe } from "../api/me";

type Obligation = Schemas["Obligation"];
export const STATUSES = ["open", "asked", "connected", "approved", "refused", "exempt"] as const;
const LETTERS = ["request", "reminder", "warning"] as const;

interface Props {
  kept: Obligation | null;
  busy: boolean;
  onSave: (body: Schemas["ObligationBody"]) => void;
  onClose: () => void;
}

/** What the form holds; the place, earlier letters and an approval stay as they were unless the form says otherwise. */
function bodyOf(form: FormData, kept: Obligation | null, me: string): Schemas["ObligationBody"] {
  const text = (name: string) => String(form.get(name) ?? "").trim();
  const letters: Schemas["LetterBody"][] = [...(kept?.letters ?? [])];
  if (text("letter") && text("due")) letters.push({ kind: text("letter"), due_on: text("due"), sent_on: text("sent") || null });
  const moved = text("camera") !== (kept?.camera_id ?? "");
  const approves = form.get("approves") !== null;
  return {
    subject: text("subject") as "building",
    name: text("name"),
    owner: text("owner"),
    area_code: text("area"),
    risk: text("risk"),
    status: text("status") as "open",
    address: text("address") || null,
    place: kept?.place ?? null,
    camera_id: text("camera") || null,
    // Who approved one camera's view did not approve another's.
    view_approved_by: approves ? me : moved ? null : (kept?.view_approved_by ?? null),
    view_approved_at_s: approves ? Math.round(Date.now() / 1000) : moved ? null : (kept?.view_approved_at_s ?? null),
    letters,
    note: text("note") || null,
  };
}

export function ObligationForm({ kept, busy, onSave, onClose }: Props) {
  const { t } = useTranslation();
  const me = useMe();
  const title = kept ? `${t("obligations.edit")}: ${kept.name}` : t("obligations.add");
  return (
    <form
      className="panel rules-form"
      aria-label={title}
      onSubmit={(event) => {
        event.preventDefault();
        onSave(bodyOf(new FormData(event.currentTarget), kept, me.id));
      }}
    >
      <h2 className="rules-whole">{title}</h2>
      <label>{t("obligations.subject")}<select name="subject" defaultValue={kept?.subject ?? "building"}><option value="building">{t("obligations.subjects.building")}</option><option value="tower">{t("obligations.subjects.tower")}</option></select></label>
      <label>{t("obligations.name")}<input name="name" required maxLength={200} defaultValue={kept?.name ?? ""} autoFocus /></label>
      <label>{t("obligations.owner")}<input name="owner" required maxLength={200} defaultValue={kept?.owner ?? ""} /></label>
      <label>{t("obligations.area")}<input name="area" required defaultValue={kept?.area_code ?? me.city_code} /></label>
      <label>{t("obligations.risk")}<input name="risk" required maxLength={200} defaultValue={kept?.risk ?? ""} /></label>
      <label>{t("obligations.address")}<input name="address" defaultValue={kept?.address ?? ""} /></label>
      <label>{t("obligations.status")}<select name="status" defaultValue={kept?.status ?? "open"}>{STATUSES.map((name) => <option key={name} value={name}>{t(`obligations.statuses.${name}`)}</option>)}</select></label>
      <label>{t("obligations.camera")}<input name="camera" defaultValue={kept?.camera_id ?? ""} /></label>
      <label>{t("obligations.letter")}<select name="letter"><option value="">{t("obligations.noLetter")}</option>{LETTERS.map((name) => <option key={name} value={name}>{t(`obligations.letterKinds.${name}`)}</option>)}</select></label>
      <label>{t("obligations.sent")}<input name="sent" type="date" /></label>
      <label>{t("obligations.answerBy")}<input name="due" type="date" /></label>
      <label>{t("obligations.note")}<input name="note" defaultValue={kept?.note ?? ""} /></label>
      <label className="tick rules-whole"><input type="checkbox" name="approves" />{t("obligations.approve")}</label>
      <div className="row rules-whole">
        <button className="primary" disabled={busy}>{t("obligations.save")}</button>
        <button type="button" onClick={onClose}>{t("obligations.close")}</button>
      </div>
    </form>
  );
}
