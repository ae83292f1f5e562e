// The underline of links, in a real browser: it is below the underscores of ids and names, so that those are seen, and nothing cuts it off.
import type { Page } from "playwright-core";
import { expect, it } from "vitest";

import { openPortal } from "./portal-suite.ts";
import { deliverTo } from "./sent-deliveries.ts";
import { pageSuite } from "./suite.ts";

/** How far below the lower edge of an underscore the line is at least. */
const GAP_PX = 1;

interface Underlined {
	readonly text: string;
	/** How far the line is below an underscore, in pixels. */
	readonly below: number;
	/** How much room it has where it would be cut off, in pixels. */
	readonly room: number;
}

function underlined(page: Page): Promise<Underlined[]> {
	return page.evaluate(() => {
		const canvas = document.createElement("canvas").getContext("2d");
		const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
		const range = document.createRange();
		const found: Underlined[] = [];
		while (texts.nextNode()) {
			const element = texts.currentNode.parentElement;
			if (canvas === null || element === null || !element.checkVisibility()) continue;
			// The line is that of the element which asks for it, whatever is inside.
			let line: Element | null = element;
			while (line !== null && !getComputedStyle(line).textDecorationLine.includes("underline"))
				line = line.parentElement;
			if (line === null) continue;
			canvas.font = getComputedStyle(element).font;
			const { textUnderlineOffset, fontSize } = getComputedStyle(line);
			const value = Number.parseFloat(textUnderlineOffset);
			const offset = textUnderlineOffset.endsWith("%") ? (value / 100) * Number.parseFloat(fontSize) : value;
			const { actualBoundingBoxDescent, fontBoundingBoxDescent } = canvas.measureText("_");
			range.selectNodeContents(texts.currentNode);
			const end = range.getBoundingClientRect().bottom - fontBoundingBoxDescent + offset + 1;
			let room = Infinity;
			for (let around: Element | null = element; around !== null; around = around.parentElement) {
				const isCutting = getComputedStyle(around).overflowY === "hidden";
				if (isCutting) room = Math.min(room, around.getBoundingClientRect().bottom - end);
			}
			found.push({ text: texts.currentNode.textContent ?? "", below: offset - actualBoundingBoxDescent, room });
		}
		return found;
	});
}

async function expectSeen(page: Page, text: RegExp): Promise<void> {
	const found = await underlined(page);
	expect(found.map(({ text }) => text)).toContainEqual(expect.stringMatching(text));
	// Of a line without an offset, they are no numbers.
	const isSeen = ({ text, below, room }: Underlined) => (!text.includes("_") || below >= GAP_PX) && room >= 0;
	expect(found.filter((one) => !isSeen(one))).toEqual([]);
}

pageSuite("the underline of links", (world) => {
	it("hides no underscore of an id or a name, and is not cut off in lists whose names are cut, nor in the portal", async () => {
		const { webhook, delivery } = await deliverTo(world, 404, "line.cut", { name: "Before" });
		await world.server.project.batch.webhooks.update(webhook.id, { name: "shop_eu" });
		const { page } = await world.open();
		for (const [path, text] of [
			[`deliveries/${delivery.id}`, /^evt_/],
			["audit", /^shop_eu$/],
			["events/send?type=line.cut", /^shop_eu$/],
		] as const) {
			await page.goto(world.url(path));
			await page.getByRole("link", { name: "shop_eu" }).first().waitFor();
			await expectSeen(page, text);
		}
		const { batch, events } = world.server.project;
		const spec = { endpoint: "https://example.com", eventTypes: ["line.held"] };
		const own = await batch.webhooks.create({ name: "shop_eu", customerId: "under_scores", spec });
		await batch.webhooks.pause(own.id);
		const { id } = await events.send({ type: "line.held", data: 1, customerId: "under_scores" });
		const held = await world.server.waitForDelivery(id, ({ status }) => status === "Held");
		const portal = await openPortal(world, { customerId: "under_scores" }, { path: `deliveries/${held.id}` });
		await portal.page.getByRole("link", { name: "Back to shop_eu" }).waitFor();
		await expectSeen(portal.page, /shop_eu$/);
	});
});
