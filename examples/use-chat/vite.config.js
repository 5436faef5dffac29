import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The relay: `cargo run -- serve`, or RELAY=http://… for another one.
const relay = process.env.RELAY ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  server: { proxy: { "/api": relay } },
  preview: { proxy: { "/api": relay } },
});
