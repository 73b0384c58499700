/** One change to the chosen cameras, all or none; what is left alone stays as it is. */
import "../rules/rules.css";

import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { useTranslation } from "react-i18next";

import { api, data, type Schemas } from "../api/client";
import { Wrong } from "../parts/states";

const OWNERS = ["rt", "atcs", "company", "public"] as const;

export function BulkEdit({ ids, onNone }: { ids: readonly string[]; onNone: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const editing = useMutation({
    mutationFn: (body: Schemas["EditBody"]) => data(api.POST("/api/v1/cameras/edits", { body })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["cameras"] }),
  });
  const apply = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? "").trim();
    const tags = (name: string) => text(name).split(",").map((tag) => tag.trim()).filter(Boolean);
    editing.mutate({
      ids: [...ids],
      owner_class: (text("ownerClass") || null) as Schemas["EditBody"]["owner_class"] & string,
      owner: text("owner") || null,
      warranty_until: text("warranty") || null,
      add_tags: tags("addTags"),
      remove_tags: tags("removeTags"),
    });
  };
  return (
    <form className="rules-form panel" onSubmit={apply} aria-label={t("edits.title")}>
      <p className="rules-whole row" role="status">
        {t("edits.chosen", { count: ids.length })}
        <button type="button" onClick={onNone}>{t("edits.none")}</button>
        {editing.data && t("edits.done", { count: editing.data.changed.length })}
      </p>
      <label>{t("register.owner")}<select name="ownerClass"><option value="">{t("edits.keep")}</option>{OWNERS.map((owner) => <option key={owner} value={owner}>{t(`owner.${owner}`)}</option>)}</select></label>
      <label>{t("edits.owner")}<input name="owner" placeholder={t("edits.keep")} /></label>
      <label>{t("edits.warranty")}<input name="warranty" type="date" /></label>
      <label>{t("edits.addTags")}<input name="addTags" /></label>
      <label>{t("edits.removeTags")}<input name="removeTags" /></label>
      <div><button className="primary" disabled={editing.isPending}>{t("edits.apply")}</button></div>
      {editing.error && <div className="rules-whole"><Wrong error={editing.error} /></div>}
    </form>
  );
}
