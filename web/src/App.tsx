/** Logged out: the log-in. Logged in: the bar, and the pages that this person's rights allow. */
import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Navigate, Route, Routes } from "react-router";

import { listen, type Link } from "./api/changes";
import { Refusal } from "./api/client";
import { MeContext, useWhoAmI, type Me } from "./api/me";
import { speak, type Language } from "./i18n";
import { LogIn } from "./pages/LogIn";
import { Bar } from "./parts/Bar";
import { Waiting, Wrong } from "./parts/states";

const City = lazy(() => import("./pages/City"));
const IncidentPage = lazy(() => import("./pages/IncidentPage"));
const Register = lazy(() => import("./pages/Register"));
const CameraPage = lazy(() => import("./pages/CameraPage"));
const People = lazy(() => import("./pages/People"));
const Audit = lazy(() => import("./pages/Audit"));
const Wall = lazy(() => import("./pages/Wall"));
const Dash = lazy(() => import("./dash/Dash"));
const ZoneEditor = lazy(() => import("./zones/ZoneEditor"));
const Rules = lazy(() => import("./rules/Rules"));
const Import = lazy(() => import("./register/Import"));
const Obligations = lazy(() => import("./register/Obligations"));
const Network = lazy(() => import("./register/Network"));
const Admin = lazy(() => import("./admin/Admin"));
const Kiosks = lazy(() => import("./pages/Kiosks"));
const Account = lazy(() => import("./pages/Account"));

export function App() {
  const who = useWhoAmI();
  const client = useQueryClient();
  useEffect(() => {
    const out = () => client.setQueryData(["me"], null);
    window.addEventListener("sewu:logged-out", out);
    return () => window.removeEventListener("sewu:logged-out", out);
  }, [client]);
  if (who.isPending) return <Waiting />;
  if (who.error && !(who.error instanceof Refusal && who.error.status === 401)) return <Wrong error={who.error} />;
  if (!who.data) return <LogIn />;
  return <Inside me={who.data} />;
}

function Inside({ me }: { me: Me }) {
  const client = useQueryClient();
  const { t } = useTranslation();
  const [link, setLink] = useState<Link>("live");
  useEffect(() => listen(client, setLink), [client, me.id]);
  useEffect(() => {
    if (localStorage.getItem("sewu.language") === null) speak(me.language === "en" ? "en" : ("id" satisfies Language));
  }, [me.language]);
  const may = new Set(me.rights.map((reach) => reach.action));
  const home = may.has("camera.read") ? "/" : may.has("audit.read") ? "/audit" : "/account";
  return (
    <MeContext.Provider value={me}>
      <div className="shell">
        <div>
          <Bar />
          {link === "lost" && (
            <div className="link-lost" role="status">
              {t("link.lost")}
            </div>
          )}
        </div>
        <Suspense fallback={<Waiting />}>
          <Routes>
            {may.has("camera.read") && <Route path="/" element={<City />} />}
            <Route path="/incidents/:id" element={<IncidentPage />} />
            <Route path="/cameras" element={<Register />} />
            <Route path="/cameras/:id" element={<CameraPage />} />
            {may.has("rule.read") && <Route path="/rules" element={<Rules />} />}
            {may.has("camera.write") && <Route path="/import" element={<Import />} />}
            {may.has("obligation.read") && <Route path="/obligations" element={<Obligations />} />}
            {may.has("asset.read") && <Route path="/network" element={<Network />} />}
            {(may.has("agency.write") || may.has("kiosk.write")) && <Route path="/admin" element={<Admin />} />}
            {may.has("zone.read") && <Route path="/cameras/:id/zones" element={<ZoneEditor />} />}
            {may.has("user.read") && <Route path="/people" element={<People />} />}
            {may.has("audit.read") && <Route path="/audit" element={<Audit />} />}
            {may.has("camera.still") && <Route path="/wall" element={<Wall />} />}
            {may.has("observation.read") && <Route path="/dash" element={<Dash />} />}
            {may.has("kiosk.write") && <Route path="/kiosks" element={<Kiosks />} />}
            <Route path="/account" element={<Account />} />
            <Route path="*" element={<Navigate to={home} replace />} />
          </Routes>
        </Suspense>
      </div>
    </MeContext.Provider>
  );
}
