// Every question, form and answer of the portal that a button opens: nothing that axe objects to while it is open, in light and dark colours,
// and nothing cut off on a phone.
import type { Page } from "playwright-core";
import { beforeAll, expect, it } from "vitest";

import { button, problemsOf, untried, type Dialog } from "./dialogs.ts";
import { portalSuite } from "./portal-suite.ts";

const CUSTOMER = "questions";
/** What opens in its place: the portal has no dialogs, since its frame may be higher than what the reader sees. */
const QUESTION = /<(?:Ask|Tester|SecretOnce|details|form)\b|className="ask"/g;

/** Opened as parts of others. */
const ELSEWHERE = { "parts/form/ask.tsx": "what most others are made of" };

async function unfold(page: Page, summary: string): Promise<void> {
	await page.locator("summary", { hasText: summary }).first().click();
	await page.locator("details[open] [role=region]").first().waitFor();
}

portalSuite("every question of the portal", (portal) => {
	const { world, open, endpointOf, sent } = portal;
	let webhookId: string;
	let deliveryId: string;

	beforeAll(async () => {
		portal.receiver.script(() => ({ status: 500, body: `{"error":"${"out of memory ".repeat(10)}"}` }));
		webhookId = (await endpointOf(CUSTOMER, "Shop")).id;
		deliveryId = (await sent(CUSTOMER, "Failed")).id;
	});

	/** None of them deletes the endpoint. */
	function questions(): readonly Dialog[] {
		const endpoint = `endpoints/${webhookId}`;
		const settings = `${endpoint}?view=settings`;
		const rotate: Dialog["open"] = async (page) => {
			await button("Replace the secret", "Make a new secret")(page);
			await page.getByRole("region", { name: "Signing secret" }).locator("code").first().waitFor();
		};
		return [
			{
				file: "screens/endpoint/condition.tsx",
				path: endpoint,
				open: async (page) => {
					await button("Send a test")(page);
					await page.getByText("Your server responded with 500.").waitFor();
				},
			},
			{ file: "screens/deliveries/retry-all.tsx", path: "deliveries?show=failed", open: button(/^Retry 1 failed$/) },
			{
				file: "screens/endpoint/replay.tsx",
				path: endpoint,
				open: async (page) => {
					await button("Send again what was missed")(page);
					await page.getByRole("button", { name: "Send 1 again" }).waitFor();
				},
			},
			{
				file: "screens/endpoint/replay.tsx",
				path: endpoint,
				open: async (page) => {
					await button("Send again what was missed", "Send 1 again")(page);
					await page.getByRole("button", { name: "Stop" }).waitFor();
				},
			},
			{
				file: "screens/endpoint/settings-form.tsx",
				path: settings,
				open: async (page) => {
					await page.getByLabel("Address").fill("shop");
					await page.getByText("Enter a full address").waitFor();
				},
			},
			{
				file: "parts/form/changed-elsewhere.tsx",
				path: settings,
				open: async (page) => {
					await page.getByRole("textbox", { name: "Name" }).fill("Mine");
					await world.server.project.batch.webhooks.update(webhookId, { name: "Theirs" });
					await page.getByRole("group", { name: "Name" }).waitFor();
				},
			},
			{
				file: "screens/endpoint/settings.tsx",
				path: settings,
				open: (page) => unfold(page, "Check what you receive"),
			},
			{ file: "screens/endpoint/settings.tsx", path: settings, open: button("Delete this endpoint") },
			{ file: "screens/endpoint/settings.tsx", path: settings, open: button("Replace the secret") },
			{ file: "screens/endpoint/settings.tsx", path: settings, open: rotate },
			{
				file: "parts/leave-question.tsx",
				path: settings,
				open: async (page) => {
					await rotate(page);
					await page.getByRole("link", { name: "Events", exact: true }).click();
					await page.getByRole("group", { name: "Leave" }).waitFor();
				},
			},
			{
				file: "screens/add/add.tsx",
				path: "add",
				open: async (page) => {
					await page.getByLabel("Only these").check();
					await button("Add and test")(page);
					await page.getByText("Choose at least one event.").waitFor();
				},
			},
			{
				file: "parts/form/types-choice.tsx",
				path: "add",
				open: async (page) => {
					await page.getByLabel("Only these").check();
					await unfold(page, "Example");
				},
			},
			{
				file: "screens/add/add.tsx",
				path: "add",
				// The secret, and the test that begins by itself.
				opens: 2,
				open: async (page) => {
					await page.getByLabel("Address").fill(`${portal.receiver.url}/added`);
					await button("Add and test")(page);
					await page.getByText("Your server responded with 500.").waitFor();
				},
			},
			{
				file: "screens/delivery/delivery.tsx",
				path: `deliveries/${deliveryId}`,
				open: (page) => unfold(page, "Your server’s response"),
			},
			{ file: "screens/event-types/event-types.tsx", path: "events", open: (page) => unfold(page, "Example") },
		];
	}

	it("is tried here", () => {
		expect(untried(new URL("../src/portal/", import.meta.url), QUESTION, questions(), ELSEWHERE)).toEqual([]);
	});

	it("is accessible, and has room on a phone", async () => {
		const { page } = await open({ customerId: CUSTOMER }, { size: { width: 1_280, height: 800 } });
		const problems: unknown[] = [];
		// Whoever leaves a secret that is shown once is asked by the browser, too.
		page.on("dialog", (dialog) => void dialog.accept());
		// One that has ended would have nothing to stop.
		await page.route(/\/projects\/[^/]+\/replays\/replay_[^/]+$/, async (route) => {
			const response = await route.fetch();
			const replay = (await response.json()) as object;
			await route.fulfill({ response, json: { ...replay, status: "Running", progress: 0.4, endDate: null } });
		});
		for (const { file, path, open } of questions()) {
			await page.goto(`${world.server.url}/portal/${path}`);
			await open(page);
			const found = await problemsOf(page, {
				documentIn: (scheme) => `html[data-scheme=${scheme}]`,
				beyond: () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth),
			});
			if (found.length > 0) problems.push({ file, path, found });
		}
		expect(problems).toEqual([]);
	});
});
