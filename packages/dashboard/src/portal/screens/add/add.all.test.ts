// Adding an endpoint in the portal.
import { axeFindings } from "@fanfare/testkit/browser/axe";
import { expect, it } from "vitest";

import { portalSuite } from "../../../../test/portal-suite.ts";

portalSuite("adding an endpoint in the portal", (portal) => {
	const { world, open } = portal;

	it("asks for an address, chooses event types, and does not lose the secret, which nobody can read later", async () => {
		portal.receiver.script(({ path }) => (path === "/new" ? { status: 500, body: "broken" } : {}));
		const { page } = await open({ customerId: "new" });
		await page.getByRole("link", { name: "Add endpoint" }).click();
		await page.getByRole("button", { name: "Add and test" }).click();
		await page.getByText("Enter the address of your server.").waitFor();
		await page.getByLabel("Address").fill(`${portal.receiver.url}/new`);
		await page.getByLabel("Only these").check();
		await page.getByRole("checkbox", { name: /order\.paid/ }).check();
		await page.getByRole("button", { name: "Add and test" }).click();
		// The test runs at once, and says what came back.
		await page.getByText("Your server responded with 500.").waitFor();
		const code = page.getByRole("region", { name: "Signing secret" }).locator("code");
		const secret = (await code.textContent()) ?? "";
		expect(secret).toMatch(/^whsec_/);
		await page.goBack();
		await page.getByRole("group", { name: "Leave" }).getByRole("button", { name: "Stay" }).click();
		expect(await code.textContent()).toBe(secret);
		await page.getByRole("button", { name: "Python" }).click();
		await page.getByText("hmac.compare_digest").waitFor();
		portal.receiver.script(() => ({}));
		await page.getByRole("button", { name: "Test again" }).click();
		await page.getByText("It works: your server responded with 200").waitFor();
		await page.getByRole("link", { name: "Done" }).click();
		await page.getByText("No deliveries yet.").waitFor();
		expect(await page.content()).not.toContain(secret);
		const [webhook] = (await world.server.project.batch.webhooks.list({ customerId: "new" })).data;
		expect([webhook?.eventTypes, webhook?.secretHint]).toEqual([["order.paid"], secret.slice(-4)]);
	});

	it("says that it is not known whether an endpoint was added, if the answer was lost", async () => {
		const { page } = await open({ customerId: "unknown" }, { path: "add" });
		await page.getByLabel("Address").fill(`${portal.receiver.url}/unknown`);
		await page.route(/\/batch\/webhooks$/, async (route) => {
			if (route.request().method() !== "POST") return route.fallback();
			await route.fetch();
			return route.abort();
		});
		await page.getByRole("button", { name: "Add and test" }).click();
		await page.getByText("It is not known whether it was done.").waitFor();
		expect(await axeFindings(page)).toEqual([]);
	});
});
