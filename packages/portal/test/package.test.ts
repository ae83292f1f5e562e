// What the package promises to those who install it: it is small, imports nothing, and can be loaded where there is no page.
import { gzipSync } from "node:zlib";

import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { expect, it } from "vitest";

import { bundle } from "./pages.ts";

const MAX_BYTES = 3 * 1_024;

it("is at most 3 KB (gzip) in a page, and imports nothing", async () => {
	const code = await bundle("../src/index.ts", true);
	expect(code).toContain("fanfare-portal");
	expect(code).not.toMatch(/\bimport\b/);
	expect(gzipSync(code).length).toBeLessThanOrEqual(MAX_BYTES);
});

it("can be loaded in Node, where it does nothing", async () => {
	const before = Object.getOwnPropertyNames(globalThis);
	const { FanfarePortalElement } = await import("../src/index.ts");
	expect(FanfarePortalElement.observedAttributes).toContain("src");
	expect(Object.getOwnPropertyNames(globalThis)).toEqual(before);
});

it("is rendered on a server as an empty element, without the token", async () => {
	const { FanfarePortal } = await import("../src/react.ts");
	const html = renderToString(
		createElement(FanfarePortal, {
			url: "https://fanfare.example.com/portal/#t=ps_secret",
			token: "ps_secret",
			className: "wide",
			title: "Webhooks of Acme",
		}),
	);
	expect(html).toBe('<fanfare-portal title="Webhooks of Acme" class="wide"></fanfare-portal>');
});
