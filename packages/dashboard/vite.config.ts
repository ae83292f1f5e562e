// How the page and the portal are built: an entry for each, chunks by route, addresses relative to /ui and /portal, and a mark for the
// nonce of each request.
import { fileURLToPath } from "node:url";

import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

import { NONCE_MARK } from "../server/src/ports/page-files.ts";

const PORTAL = fileURLToPath(new URL("portal.html", import.meta.url));

interface ModuleGraph {
	getModuleInfo(id: string): { readonly importedIds: string[]; readonly dynamicallyImportedIds: string[] } | null;
}

/** The ids of all modules that the portal needs, sooner or later. */
const ofPortal = new Set<string>();

function collect(id: string, graph: ModuleGraph): void {
	if (ofPortal.has(id)) return;
	ofPortal.add(id);
	const module = graph.getModuleInfo(id);
	for (const imported of module?.importedIds ?? []) collect(imported, graph);
	for (const imported of module?.dynamicallyImportedIds ?? []) collect(imported, graph);
}

/**
 * What many screens of the page need is one file: many small ones compress worse. What the portal needs, too, stays out of it, or its first
 * load would contain the page's. Whatever a module of this file imports is in it as well or needed by the portal, so no files import each
 * other in a circle.
 */
const base = {
	debugName: "base",
	name: (id: string, graph: ModuleGraph) => {
		collect(PORTAL, graph);
		return ofPortal.has(id) ? null : "base";
	},
	minShareCount: 8,
	includeDependenciesRecursively: false,
};

/** Colours of Mantine that nothing here has: a sixth of all styles would be their shades. `app/styles.test.ts` says if one is used. */
const UNUSED_COLORS = /(?<=[;{])\s*--mantine-color-(?:cyan|grape|green|indigo|lime|orange|pink|violet|yellow)-[^;]*;/g;

const withoutUnusedColors = {
	name: "without-unused-colors",
	enforce: "pre",
	transform: (code: string, id: string) =>
		id.endsWith("/default-css-variables.css") ? code.replaceAll(UNUSED_COLORS, "") : null,
} as const;

// Vite loads a configuration from its default export.
export default defineConfig({
	base: "./",
	plugins: [react(), withoutUnusedColors],
	resolve: { conditions: ["@fanfare/source", "module", "browser", "production"] },
	html: { cspNonce: NONCE_MARK },
	build: {
		outDir: "../server/dist/page",
		emptyOutDir: true,
		rolldownOptions: {
			input: [fileURLToPath(new URL("index.html", import.meta.url)), PORTAL],
			output: { codeSplitting: { groups: [base] } },
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
