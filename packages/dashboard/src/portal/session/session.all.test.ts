// The session of a customer in the portal: where its token is, and when it ends.
import { expect, it } from "vitest";

import { ALL, portalSuite } from "../../../test/portal-suite.ts";

portalSuite("the session of a portal", (portal) => {
	const { world, portalSessions, open, endpointOf } = portal;

	it("takes the token out of the address, and keeps it for this tab alone", async () => {
		const tab = await open({ customerId: "tab" });
		await tab.page.getByRole("heading", { name: "No endpoints yet" }).waitFor();
		expect(tab.page.url()).toBe(`${world.server.url}/portal/`);
		await tab.page.reload();
		await tab.page.getByRole("heading", { name: "No endpoints yet" }).waitFor();
		expect(await tab.page.evaluate(() => [localStorage.length, document.cookie, document.referrer])).toEqual([
			0,
			"",
			"",
		]);
		const other = await tab.person.tab(`${world.server.url}/portal/`);
		await other.getByRole("heading", { name: "opens from a link" }).waitFor();
	});

	it("keeps the token before the server has answered whose it is, so that an early reload goes on", async () => {
		const { url } = await portalSessions().create({ customerId: "early", capabilities: ALL });
		await using person = await world.browser.person();
		const asked = Promise.withResolvers<void>();
		await person.context.route("**/workspace/key", async (route) => {
			asked.resolve();
			await new Promise(() => {});
			await route.abort();
		});
		const page = await person.tab(url);
		await asked.promise;
		await person.context.unroute("**/workspace/key");
		await page.reload();
		await page.getByRole("heading", { name: "No endpoints yet" }).waitFor();
	});

	it("shows by itself that its session was revoked, and the way back", async () => {
		await endpointOf("revoked", "Shop");
		const { page } = await open({ customerId: "revoked", returnUrl: "https://app.example.com/account" });
		await page.getByRole("link", { name: "Shop" }).waitFor();
		await portalSessions().revokeAll({ customerId: "revoked" });
		await page.getByRole("heading", { name: "Your session has ended" }).waitFor();
		const back = page.getByRole("link", { name: "Back to app.example.com" });
		expect(await back.getAttribute("href")).toBe("https://app.example.com/account");
		expect(await page.getByText("Shop").count()).toBe(0);
		expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
	});
});
