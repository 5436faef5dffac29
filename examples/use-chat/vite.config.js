import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The relay: the one of `cargo run -- serve`, or RELAY=http://… for another one.
const relay = process.env.RELAY ?? "http://127.0.0.1:8080";

// The relay answers to pages of its own host alone, so it has to see the host that the browser asked for.
const proxy = { "/api": { target: relay, changeOrigin: false } };

export default defineConfig({
  plugins: [react()],
  server: { proxy },
  preview: { proxy },
});
