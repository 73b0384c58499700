/** The register as files: in with a trial first, out with what for. */
import { api, data, type Schemas } from "../api/client";
import { saveText, type Purpose } from "../dash/saving";

export type Format = "csv" | "geojson";
export type Imported = Schemas["Imported"];

export const formatOf = (name: string): Format => (/\.(geo)?json$/i.test(name) ? "geojson" : "csv");

/** Reads the list; `apply` also writes it. The file goes as it is: the service names every faulty row. */
export const sendList = (file: File, apply: boolean): Promise<Imported> =>
  data(
    api.POST("/api/v1/cameras/import", {
      params: { query: { format: formatOf(file.name), apply } },
      body: file as never,
      bodySerializer: (body: unknown) => body as File,
      headers: { "Content-Type": formatOf(file.name) === "csv" ? "text/csv" : "application/geo+json" },
    }),
  );

export async function saveRegister(format: Format, purpose: Purpose): Promise<void> {
  const answer = await api.GET("/api/v1/cameras/export", { params: { query: { format } }, parseAs: "blob", headers: { "Sewu-Purpose": purpose } });
  saveText(answer.data as unknown as Blob, `cameras.${format}`);
}
