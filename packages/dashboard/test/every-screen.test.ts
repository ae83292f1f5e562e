// Every address of the page while it loads, and in a project that has nothing yet: nothing that axe objects to, and nothing cut off.
import { readFileSync } from "node:fs";

import { axeFindings } from "@fanfare/testkit/browser/axe";
import { beforeAll, expect, it } from "vitest";

import { pageSuite } from "./suite.ts";

/** An id of which there is nothing, for each part of an address. */
const NOTHING: Readonly<Record<string, string>> = {
	webhookId: "webhook_00000000-0000-4000-8000-000000000000",
	deliveryId: "dlv_00000000-0000-4000-8000-000000000000",
	eventId: "evt_00000000-0000-4000-8000-000000000000",
	replayId: "replay_00000000-0000-4000-8000-000000000000",
	customerId: "nobody",
	name: "none.such",
};

/** The addresses below a project, as the router has them. One that is added is tried here. */
function addresses(): readonly string[] {
	const router = readFileSync(new URL("../src/app/router.tsx", import.meta.url), "utf8");
	const paths = [...router.matchAll(/=> projectRoute,\n\tpath: "([^"]+)"/g)].map(([, path]) => path!);
	return paths.map((path) =>
		path.replace(/^\//, "").replaceAll(/\$(\w+)/g, (_, name: string) => NOTHING[name] ?? name),
	);
}

pageSuite("every screen", (world) => {
	let projectId = "";
	beforeAll(async () => {
		projectId = (await world.server.client.projects.create({ name: "Empty" })).id;
	});

	it("is found in the router", () => {
		expect(addresses().length).toBeGreaterThanOrEqual(20);
		expect(addresses().join()).not.toContain("$");
	});

	it.each([
		["light", 1_280],
		["dark", 360],
	] as const)(
		"is accessible while it loads and when it has nothing, in %s colours, %i pixels wide",
		async (scheme, width) => {
			await using tab = await world.open("", { scheme, size: { width, height: 800 } });
			const { page } = tab;
			let held = Promise.withResolvers<void>();
			await tab.person.context.route(
				(url) => url.pathname.startsWith(`/projects/${projectId}/`) && !url.pathname.includes("/stream"),
				async (route) => {
					await held.promise;
					await route.continue();
				},
			);
			const problems: unknown[] = [];
			const look = async (path: string, state: string) => {
				const overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
				const findings = [...(await axeFindings(page)), await page.evaluate(overflow)];
				if (findings.length > 1 || findings[0] !== 0) problems.push([path, state, findings]);
			};
			for (const path of addresses()) {
				held = Promise.withResolvers<void>();
				await page.goto(`${world.server.url}/ui/${projectId}/${path}`);
				await page.locator("#content h1").waitFor();
				await look(path, "loading");
				held.resolve();
				await expect.poll(() => page.locator(".shimmer").count()).toBe(0);
				await look(path, "nothing");
			}
			expect(problems).toEqual([]);
		},
	);
});
