import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "../src/sewu/show/screens",
    emptyOutDir: true,
    target: "es2022",
    chunkSizeWarningLimit: 1200, // the map; it is fetched apart, only by pages that have one
    // The kiosk is a page of its own: an old box behind a television must not load the whole application.
    rollupOptions: {
      input: { app: "index.html", kiosk: "kiosk.html" },
      output: {
        // The map is most of the script, and pages without a map must not wait for it.
        manualChunks: (id) => (id.includes("maplibre-gl") ? "map" : undefined),
      },
    },
  },
  server: { proxy: { "/api": "http://127.0.0.1:8470" } },
});
