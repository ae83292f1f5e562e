// How the page and the portal are built: an entry for each, chunks by route, addresses relative to /ui and /portal, and a mark for the
// nonce of each request.
import { fileURLToPath } from "node:url";

import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

import { NONCE_MARK } from "../server/src/ports/page-files.ts";

// Vite loads a configuration from its default export.
export default defineConfig({
	base: "./",
	plugins: [react()],
	resolve: { conditions: ["@fanfare/source", "module", "browser", "production"] },
	html: { cspNonce: NONCE_MARK },
	build: {
		outDir: "../server/dist/page",
		emptyOutDir: true,
		rolldownOptions: {
			input: ["index.html", "portal.html"].map((name) => fileURLToPath(new URL(name, import.meta.url))),
			// What nearly every file needs is one file: many small ones compress worse.
			output: { codeSplitting: { groups: [{ name: "base", minShareCount: 16 }] } },
		},
		// Those with light-dark() in CSS.
		target: ["chrome123", "edge123", "firefox121", "safari17.5"],
		modulePreload: { polyfill: false },
		// Inlined files would need data: in the policy for scripts and fonts.
		assetsInlineLimit: 0,
		reportCompressedSize: false,
		// A test checks the size of the first load.
		chunkSizeWarningLimit: 2_000,
	},
});
