// The sign that says why nothing can be changed, in a real browser.
import { axeFindings } from "@fanfare/testkit/browser/axe";
import { expect, it } from "vitest";

import { pageSuite } from "../../test/suite.ts";

pageSuite("the sign of a key that may only read", (world) => {
	it.each(["light", "dark"] as const)(
		"says on a phone, in %s colours, what is missing when it is tapped",
		async (scheme) => {
			const { secretKey } = await world.server.client.keys.create({ name: `Reader ${scheme}`, scope: "read" });
			await using tab = await world.open("deliveries", { key: secretKey, scheme, size: { width: 360, height: 800 } });
			const { page } = tab;
			const sign = page.getByRole("button", { name: "Read only" });
			const reason = page.getByRole("tooltip").getByText(`The key “Reader ${scheme}” may only read.`);
			await sign.waitFor();
			// As a finger does it: nothing rests on it before.
			await sign.dispatchEvent("click");
			await reason.waitFor();
			expect(await axeFindings(page)).toEqual([]);
			const overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
			expect(await page.evaluate(overflow)).toBe(0);
			await page.getByRole("heading", { name: "Deliveries", level: 1 }).click();
			await reason.waitFor({ state: "detached" });
		},
	);

	it("says it also under a mouse and with the focus, until Escape", async () => {
		const { secretKey } = await world.server.client.keys.create({ name: "Reader", scope: "read" });
		await using tab = await world.open("deliveries", { key: secretKey });
		const { page } = tab;
		const sign = page.getByRole("button", { name: "Read only" });
		const reason = page.getByRole("tooltip").getByText("may only read.");
		// What comes beside it moves it away from the mouse.
		await expect
			.poll(async () => {
				await sign.hover();
				return reason.count();
			})
			.toBe(1);
		await page.mouse.move(0, 0);
		await reason.waitFor({ state: "detached" });
		await sign.focus();
		await reason.waitFor();
		await page.keyboard.press("Escape");
		await reason.waitFor({ state: "detached" });
	});

	it("is not there for a key that may write", async () => {
		await using tab = await world.open("deliveries", { size: { width: 360, height: 800 } });
		await tab.page.getByRole("button", { name: "Account" }).waitFor();
		expect(await tab.page.getByRole("button", { name: "Read only" }).count()).toBe(0);
	});
});
