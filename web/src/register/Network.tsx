/** The network below the cameras: what hangs on what, and which cameras on it. */
import "../rules/rules.css";

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { api, data, type Schemas } from "../api/client";
import { useMay, useMe } from "../api/me";
import { Empty, Waiting, Wrong } from "../parts/states";

type Asset = Schemas["NetworkAsset"];
const KINDS = ["uplink", "switch", "wifi_point"] as const;

/** Each part below the one it depends on; `depth` says how far down. A part whose parent is not in the list stands at the top. */
export function asTree(assets: readonly Asset[]): { asset: Asset; depth: number }[] {
  const known = new Set(assets.map((asset) => asset.id));
  const seen = new Set<string>();
  const rows: { asset: Asset; depth: number }[] = [];
  const add = (parent: string | null, depth: number) => {
    for (const asset of assets) {
      const above = asset.parent_id != null && known.has(asset.parent_id) ? asset.parent_id : null;
      if (above !== parent || seen.has(asset.id)) continue;
      seen.add(asset.id);
      rows.push({ asset, depth });
      add(asset.id, depth + 1);
    }
  };
  add(null, 0);
  return rows;
}

export default function Network() {
  const { t } = useTranslation();
  const may = useMay();
  const client = useQueryClient();
  const [open, setOpen] = useState<string | null>(null);
  const assets = useQuery({ queryKey: ["network"], queryFn: () => data(api.GET("/api/v1/network")) });
  const fresh = () => client.invalidateQueries({ queryKey: ["network"] });
  const removing = useMutation({ mutationFn: (id: string) => api.DELETE("/api/v1/network/{asset_id}", { params: { path: { asset_id: id } } }), onSuccess: fresh });
  const rows = assets.data ? asTree(assets.data) : [];
  return (
    <main className="page">
      <h1>{t("network.title")}</h1>
      <p className="soft small">{t("network.hint")}</p>
      {may("asset.write") && assets.data && <Add assets={assets.data} onAdded={fresh} />}
      {assets.error && <Wrong error={assets.error} />}
      {removing.error && <Wrong error={removing.error} />}
      {assets.isPending && <Waiting />}
      {assets.data?.length === 0 && <Empty text={t("network.none")} />}
      {rows.length > 0 && (
        <section className="panel scroll" tabIndex={0}>
          <table>
            <thead><tr><th scope="col">{t("network.name")}</th><th scope="col">{t("network.kind")}</th><th scope="col">{t("network.area")}</th><th scope="col">{t("network.provider")}</th><th scope="col"><span className="visually-hidden">{t("network.show")}</span></th></tr></thead>
            <tbody>
              {rows.map(({ asset, depth }) => (
                <tr key={asset.id}>
                  <td style={{ paddingLeft: `${0.6 + depth * 1.4}rem` }}>{asset.name} <span className="soft small">{asset.id}</span>{open === asset.id && <Cameras assetId={asset.id} mayWrite={may("asset.write")} />}</td>
                  <td>{t(`network.kinds.${asset.kind}`)}</td>
                  <td>{asset.area_code}</td>
                  <td>{asset.provider ?? "–"}</td>
                  <td>
                    <div className="row">
                      <button aria-expanded={open === asset.id} onClick={() => setOpen(open === asset.id ? null : asset.id)}>{t("network.show")}</button>
                      {may("asset.write") && <button onClick={() => removing.mutate(asset.id)}>{t("network.delete")}</button>}
                    </div>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </main>
  );
}

function Add({ assets, onAdded }: { assets: readonly Asset[]; onAdded: () => void }) {
  const { t } = useTranslation();
  const me = useMe();
  const adding = useMutation({ mutationFn: (body: Schemas["AssetBody"]) => data(api.POST("/api/v1/network", { body })), onSuccess: onAdded });
  const add = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? "").trim();
    adding.mutate({ kind: text("kind") as "uplink", name: text("name"), area_code: text("area"), parent_id: text("parent") || null, provider: text("provider") || null });
  };
  return (
    <form className="panel row" onSubmit={add} aria-label={t("network.add")}>
      <label>{t("network.kind")}<select name="kind">{KINDS.map((kind) => <option key={kind} value={kind}>{t(`network.kinds.${kind}`)}</option>)}</select></label>
      <label>{t("network.name")}<input name="name" required maxLength={200} /></label>
      <label>{t("network.area")}<input name="area" required defaultValue={me.city_code} /></label>
      <label>{t("network.parent")}<select name="parent"><option value="">–</option>{assets.map((asset) => <option key={asset.id} value={asset.id}>{asset.name}</option>)}</select></label>
      <label>{t("network.provider")}<input name="provider" /></label>
      <button className="primary" disabled={adding.isPending}>{t("network.add")}</button>
      {adding.error && <Wrong error={adding.error} />}
    </form>
  );
}

function Cameras({ assetId, mayWrite }: { assetId: string; mayWrite: boolean }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const found = useQuery({ queryKey: ["network", assetId], queryFn: () => data(api.GET("/api/v1/network/{asset_id}/cameras", { params: { path: { asset_id: assetId } } })) });
  const plugging = useMutation({
    mutationFn: (ids: string[]) => api.PUT("/api/v1/network/{asset_id}/cameras", { params: { path: { asset_id: assetId } }, body: { camera_ids: ids } }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["network", assetId] }),
  });
  if (found.error) return <Wrong error={found.error} />;
  return (
    <div className="page-column">
      <p className="row small">{found.data?.slice(0, 100).map((id) => <Link key={id} to={`/cameras/${encodeURIComponent(id)}`}>{id}</Link>)} {found.data && <span className="soft">({found.data.length})</span>}</p>
      {mayWrite && (
        <form className="row" onSubmit={(event) => (event.preventDefault(), plugging.mutate(String(new FormData(event.currentTarget).get("ids")).split(",").map((id) => id.trim()).filter(Boolean)))}>
          <label>{t("network.cameras")}<input name="ids" required /></label>
          <button>{t("network.plug")}</button>
          {plugging.error && <Wrong error={plugging.error} />}
        </form>
      )}
    </div>
  );
}
