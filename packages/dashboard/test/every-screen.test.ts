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

	// One state for each scheme: both would take twice as long, and the skeletons are the same parts everywhere.
	it.each([
		["while it loads", "light", 1_280],
		["when it has nothing", "dark", 360],
	] as const)("is accessible %s, in %s colours, %i pixels wide", async (state, scheme, width) => {
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
		const look = async (path: string) => {
			const overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
			const findings = [...(await axeFindings(page)), await page.evaluate(overflow)];
			if (findings.length > 1 || findings[0] !== 0) problems.push([path, findings]);
		};
		for (const path of addresses()) {
			held = Promise.withResolvers<void>();
			await page.goto(`${world.server.url}/ui/${projectId}/${path}`);
			await page.locator("#content h1").waitFor();
			if (state === "while it loads") await look(path);
			held.resolve();
			await expect.poll(() => page.locator(".shimmer").count()).toBe(0);
			if (state === "when it has nothing") await look(path);
		}
		expect(problems).toEqual([]);
	});
});
