// The checker of a request that a receiver got, in a real browser.
import { utils } from "@fanfare/sdk";
import { axeFindings } from "@fanfare/testkit/browser/axe";
import type { ReceivedRequest } from "@fanfare/testkit/receiver";
import { expect, it } from "vitest";

import { overflowOf, pageSuite, type World } from "../../../../test/suite.ts";

/** A webhook with a known secret, and a request that it got. */
async function received(world: World, type: string, options: { readonly overlap?: string } = {}) {
	const receiver = await world.receiver();
	const secret = utils.generateWebhookSecret();
	const { id } = await world.server.createWebhook(receiver.url, { eventTypes: [type], secret });
	const { webhooks } = world.server.project.batch;
	if (options.overlap !== undefined) await webhooks.updateSecret(id, options.overlap, { overlapMs: 3_600_000 });
	await world.server.project.events.send({ type, data: { total: 12, note: "é" } });
	const [request] = await receiver.waitFor(1);
	return { id, secret, request: request! };
}

const pasteOf = ({ headers, rawBody }: ReceivedRequest, change: (body: string) => string = (body) => body) =>
	`POST /hooks HTTP/1.1\n${Object.entries(headers)
		.map(([name, value]) => `${name}: ${String(value)}`)
		.join("\n")}\n\n${change(rawBody.toString())}`;

pageSuite("the checker of a request", (world) => {
	it("says which secret signed it and that every byte is as sent, and sends neither request nor secret anywhere", async () => {
		const { id, secret, request } = await received(world, "check.good");
		const { page } = await world.open(`webhooks/${id}?tab=secret`);
		const calls: string[] = [];
		page.on("request", (call) => calls.push(`${call.method()} ${call.url()} ${call.postData() ?? ""}`));
		const form = page.getByRole("region", { name: "Check a request" });
		await form.getByLabel("The request").fill(pasteOf(request));
		await form.getByLabel("The receiver's secret").fill(secret);
		await form.getByRole("button", { name: "Check" }).click();
		await form.getByText("Nothing is wrong with it.").waitFor();
		await form.getByText("It was signed with the current secret.").waitFor();
		await form.getByText("The body is as it was sent.").waitFor();
		expect(await axeFindings(page)).toEqual([]);
		const signature = String(request.headers["webhook-signature"]);
		for (const call of calls) for (const text of [secret, signature]) expect(call).not.toContain(text);
		expect(calls.filter((call) => !call.startsWith("GET "))).toEqual([]);
	});

	it("finds a body that was parsed and written again, a wrong clock, and a former secret", async () => {
		const current = utils.generateWebhookSecret();
		const { id, secret, request } = await received(world, "check.bad", { overlap: current });
		const { page } = await world.open(`webhooks/${id}?tab=secret`, {
			scheme: "dark",
			size: { width: 360, height: 900 },
		});
		const form = page.getByRole("region", { name: "Check a request" });
		const found = form.getByRole("status", { name: "What was found" });
		await form.getByLabel("The request").fill(pasteOf(request, (body) => JSON.stringify(JSON.parse(body), null, 2)));
		await form.getByLabel("The receiver's secret").fill(secret);
		const receivedAt = new Date(Number(request.headers["webhook-timestamp"]) * 1_000 + 3_600_000 + 600_000);
		// The browser's time zone is that of Berlin, in winter or summer.
		const local = receivedAt.toLocaleString("sv-SE", { timeZone: "Europe/Berlin" }).replace(" ", "T");
		await form.getByLabel("When it was received").fill(local);
		await form.getByRole("button", { name: "Check" }).click();
		await found.getByText("it was parsed and written again as JSON").waitFor();
		await found.getByText("It is too old.").waitFor();
		await found.getByText(/signed 42\d\d s ago/).waitFor();
		await found.getByText("It was signed with a former secret.").waitFor();
		await found.getByText(`the current one in …${current.slice(-4)}`).waitFor();
		expect(await axeFindings(page)).toEqual([]);
		expect(await overflowOf(page)).toBe(0);
	});

	it("compares with the log even without a secret, and tells a foreign id and another secret", async () => {
		const { id, request } = await received(world, "check.none");
		const { page } = await world.open(`webhooks/${id}?tab=secret`);
		const form = page.getByRole("region", { name: "Check a request" });
		await form.getByRole("button", { name: "Check" }).click();
		await form.getByText("Paste a request").waitFor();
		await form.getByLabel("The request").fill(pasteOf(request, (body) => body.replace("12", "13")));
		await page.keyboard.press("Tab");
		await form.getByRole("button", { name: "Check" }).click();
		await form.getByText(/it differs from byte \d+ on, which was "2/).waitFor();
		await form.getByLabel("The request").fill(pasteOf(request));
		await form.getByLabel("The receiver's secret").fill("whsec_short");
		await form.getByRole("button", { name: "Check" }).click();
		await form.getByText("A webhook secret must be 24–64 bytes in base64").waitFor();
		await form.getByLabel("The receiver's secret").fill(utils.generateWebhookSecret());
		await form.getByRole("button", { name: "Check" }).click();
		await form.getByText("The receiver has another secret.").waitFor();
		await form.getByText("The body is as it was sent.").waitFor();
		// It is said once, not also that no signature fits.
		expect(await form.locator(".note.bad").count()).toBe(1);
		const foreign = pasteOf(request).replaceAll(
			String(request.headers["webhook-id"]),
			"evt_00000000-0000-4000-8000-000000000000",
		);
		await form.getByLabel("The request").fill(foreign);
		await form.getByRole("button", { name: "Check" }).click();
		await form.getByText("The log has no event with this id.").waitFor();
	});
});
