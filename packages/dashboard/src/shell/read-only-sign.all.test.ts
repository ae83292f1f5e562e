// The sign that says why nothing can be changed, in a real browser.
import { expect, it } from "vitest";

import { findingsInColours, overflowOf, pageSuite } from "../../test/suite.ts";

pageSuite("the sign of a key that may only read", (world) => {
	it("says on a phone what is missing when it is tapped", async () => {
		const { secretKey } = await world.server.client.keys.create({ name: "Reader", scope: "read" });
		const { page } = await world.open("deliveries", { key: secretKey, size: { width: 360, height: 800 } });
		const sign = page.getByRole("button", { name: "Read only" });
		const reason = page.getByRole("tooltip").getByText("The key “Reader” may only read.");
		await sign.waitFor();
		// As a finger does it: nothing rests on it before.
		await sign.dispatchEvent("click");
		await reason.waitFor();
		expect(await findingsInColours(page)).toEqual([]);
		expect(await overflowOf(page)).toBe(0);
		await page.getByRole("heading", { name: "Deliveries", level: 1 }).click();
		await reason.waitFor({ state: "detached" });
	});

	it("says it also under a mouse and with the focus, until Escape", async () => {
		const { secretKey } = await world.server.client.keys.create({ name: "Reader", scope: "read" });
		const { page } = await world.open("deliveries", { key: secretKey });
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
});
