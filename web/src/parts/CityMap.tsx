/** All cameras on one map, clustered, each cluster in the colour of its worst state; incidents above them; areas below. */
import "maplibre-gl/dist/maplibre-gl.css";

import type { FeatureCollection, Point } from "geojson";
import maplibregl, { type ExpressionSpecification, type GeoJSONSource, type Map as Glmap } from "maplibre-gl";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";

import { colour } from "./theme";

export type Incidents = FeatureCollection<Point, { id: string; severity: string; title: string }>;

interface Props {
  cameras: FeatureCollection | undefined;
  areas: FeatureCollection | undefined;
  incidents: Incidents;
  chosen: string | null;
  onCamera: (id: string) => void;
  onIncident: (id: string) => void;
}

const CONDITIONS = ["down", "degraded", "unknown", "up"] as const;
const count = (condition: string): ExpressionSpecification => ["+", ["case", ["==", ["get", "condition"], condition], 1, 0]];
const empty: FeatureCollection = { type: "FeatureCollection", features: [] };

/** Where the view is, kept in the page's address so that it can be sent to somebody. */
const viewFromHash = (): { center: [number, number]; zoom: number } | null => {
  const [zoom, lat, lon] = location.hash.replace("#", "").split("/").map(Number);
  return [zoom, lat, lon].every((value) => value !== undefined && Number.isFinite(value)) ? { center: [lon!, lat!], zoom: zoom! } : null;
};

export function CityMap({ cameras, areas, incidents, chosen, onCamera, onIncident }: Props) {
  const holder = useRef<HTMLDivElement>(null);
  const map = useRef<Glmap | null>(null);
  const loaded = useRef(false);
  const latest = useRef({ cameras, areas, incidents, onCamera, onIncident });
  latest.current = { cameras, areas, incidents, onCamera, onIncident };
  const { t } = useTranslation();

  useEffect(() => {
    const started = new maplibregl.Map({
      container: holder.current!,
      style: { version: 8, sources: {}, layers: [{ id: "ground", type: "background", paint: { "background-color": colour("ground") } }] },
      ...(viewFromHash() ?? { center: [110.41, -7.02], zoom: 11 }),
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
    });
    started.touchZoomRotate.disableRotation();
    started.addControl(new maplibregl.NavigationControl({ showCompass: false }), "top-right");
    started.addControl(new maplibregl.ScaleControl(), "bottom-left");
    started.on("style.load", () => {
      layers(started);
      loaded.current = true;
      fill(started, latest.current);
    });
    started.on("moveend", () => {
      const { lng, lat } = started.getCenter();
      history.replaceState(history.state, "", `#${started.getZoom().toFixed(2)}/${lat.toFixed(5)}/${lng.toFixed(5)}`);
    });
    started.on("click", "camera", (event) => {
      const id = event.features?.[0]?.properties["id"] as string | undefined;
      if (id) latest.current.onCamera(id);
    });
    started.on("click", "incident", (event) => {
      const id = event.features?.[0]?.properties["id"] as string | undefined;
      if (id) latest.current.onIncident(id);
    });
    started.on("click", "cluster", (event) => {
      const feature = event.features?.[0];
      if (!feature) return;
      void started.getSource<GeoJSONSource>("cameras")!
        .getClusterExpansionZoom(feature.properties["cluster_id"] as number)
        .then((zoom) => started.easeTo({ center: (feature.geometry as Point).coordinates as [number, number], zoom }));
    });
    for (const layer of ["camera", "cluster", "incident"]) {
      started.on("mouseenter", layer, () => (started.getCanvas().style.cursor = "pointer"));
      started.on("mouseleave", layer, () => (started.getCanvas().style.cursor = ""));
    }
    const repaint = () => {
      if (loaded.current) paint(started);
    };
    window.addEventListener("sewu:theme", repaint);
    map.current = started;
    return () => {
      window.removeEventListener("sewu:theme", repaint);
      loaded.current = false;
      started.remove();
    };
  }, []);

  useEffect(() => {
    if (map.current && loaded.current) fill(map.current, { cameras, areas, incidents });
  }, [cameras, areas, incidents]);

  useEffect(() => {
    const at = incidents.features.find((feature) => feature.properties.id === chosen)?.geometry.coordinates;
    if (map.current && at) map.current.easeTo({ center: at as [number, number], zoom: Math.max(map.current.getZoom(), 14) });
    // Only a new choice moves the map: an update of the list must not take the view away from its reader.
  }, [chosen]);

  return <div ref={holder} className="map" role="application" aria-label={t("map.label")} />;
}

function fill(map: Glmap, from: Pick<Props, "cameras" | "areas" | "incidents">): void {
  map.getSource<GeoJSONSource>("cameras")?.setData(from.cameras ?? empty);
  map.getSource<GeoJSONSource>("areas")?.setData(from.areas ?? empty);
  map.getSource<GeoJSONSource>("incidents")?.setData(from.incidents);
}

function layers(map: Glmap): void {
  map.addSource("areas", { type: "geojson", data: empty });
  map.addSource("cameras", {
    type: "geojson",
    data: empty,
    cluster: true,
    clusterRadius: 42,
    clusterMaxZoom: 15,
    clusterProperties: Object.fromEntries(CONDITIONS.map((condition) => [condition, count(condition)])),
  });
  map.addSource("incidents", { type: "geojson", data: empty });
  map.addLayer({ id: "area-fill", type: "fill", source: "areas", paint: { "fill-opacity": 0.55 } });
  map.addLayer({ id: "area-line", type: "line", source: "areas", paint: { "line-width": 1 } });
  map.addLayer({
    id: "cluster",
    type: "circle",
    source: "cameras",
    filter: ["has", "point_count"],
    paint: { "circle-radius": ["interpolate", ["linear"], ["log10", ["get", "point_count"]], 0.3, 7, 3.7, 26], "circle-stroke-width": 2 },
  });
  map.addLayer({
    id: "camera",
    type: "circle",
    source: "cameras",
    filter: ["!", ["has", "point_count"]],
    paint: { "circle-radius": ["interpolate", ["linear"], ["zoom"], 12, 4, 17, 8], "circle-stroke-width": 1 },
  });
  map.addLayer({ id: "incident", type: "circle", source: "incidents", paint: { "circle-radius": 9, "circle-stroke-width": 3, "circle-opacity": 0.25 } });
  paint(map);
}

/** Colours come from the theme; so they are set apart from the shapes, and again when the theme changes. */
function paint(map: Glmap): void {
  const of = (condition: string): string => colour(condition);
  const share = (condition: string): ExpressionSpecification => ["/", ["get", condition], ["get", "point_count"]];
  map.setPaintProperty("ground", "background-color", colour("ground"));
  map.setPaintProperty("area-fill", "fill-color", colour("panel"));
  map.setPaintProperty("area-line", "line-color", colour("line"));
  map.setPaintProperty("camera", "circle-color", ["match", ["get", "condition"], "up", of("up"), "degraded", of("degraded"), "down", of("down"), of("unknown")]);
  map.setPaintProperty("camera", "circle-stroke-color", colour("ground"));
  // One dead camera of a thousand must not turn the district red: the fill is the majority, the rim the share that is down.
  map.setPaintProperty("cluster", "circle-color", colour("raised"));
  map.setPaintProperty("cluster", "circle-stroke-color", [
    "case",
    [">=", share("down"), 0.5], of("down"),
    [">=", ["+", share("down"), share("degraded")], 0.25], of("degraded"),
    [">=", share("unknown"), 0.5], of("unknown"),
    of("up"),
  ]);
  const severity: ExpressionSpecification = ["match", ["get", "severity"], "critical", of("critical"), "high", of("high"), "medium", of("medium"), "low", of("low"), of("info")];
  map.setPaintProperty("incident", "circle-color", severity);
  map.setPaintProperty("incident", "circle-stroke-color", severity);
}
