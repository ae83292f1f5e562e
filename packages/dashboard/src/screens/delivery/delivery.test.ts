// One delivery, in a real browser: hostile and large contents, and exact ones.
import { axeFindings } from "@fanfare/testkit/browser/axe";
import { startReceiver } from "@fanfare/testkit/receiver";
import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { expect, it } from "vitest";

import { pageSuite, type World } from "../../../test/suite.ts";
import { webhookQuery } from "../webhook/queries.ts";

/** The most bytes that the body of an event may have. */
const LARGEST = 256 * 1_024;

/** Sends data as JSON text, and returns the id of its only delivery, which has ended. */
async function send(world: World, endpoint: string, type: string, data: string): Promise<string> {
	await world.server.createWebhook(endpoint, { eventTypes: [type], retries: { maxRetries: 0, maxRetryDelay: 0 } });
	const { json } = await world.server.call(
		"POST",
		`/projects/${world.server.projectId}/events`,
		`{"type":"${type}","data":${data}}`,
	);
	const { id } = json as { id: string };
	return (await world.server.waitForDelivery(id, ({ status }) => status !== "Pending")).id;
}

pageSuite("a delivery", (world) => {
	it("shows the request exactly: numbers keep all their digits", async () => {
		await using receiver = await startReceiver();
		const id = await send(world, receiver.url, "exact.one", '{"id":12345678901234567890,"small":1e-400}');
		await using tab = await world.open(`deliveries/${id}`);
		const body = tab.page.getByRole("region", { name: "Request body" });
		await body.getByText("12345678901234567890").waitFor();
		await expect.poll(() => body.innerText()).toContain('"small": 1e-400');
		await tab.page.getByText("As sent", { exact: true }).click();
		await expect.poll(() => body.innerText()).toContain('"data":{"id":12345678901234567890,"small":1e-400}}');
		const [request] = receiver.requests;
		await expect.poll(() => body.innerText()).toBe(request!.rawBody.toString());
	});

	it("says how many others have failed for the same cause, and leads to them", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 413 }));
		const id = await send(world, receiver.url, "kin.one", "1");
		await world.server.createWebhook(receiver.url, {
			eventTypes: ["kin.other"],
			retries: { maxRetries: 0, maxRetryDelay: 0 },
		});
		await using tab = await world.open(`deliveries/${id}`);
		const { page } = tab;
		await page.getByText("No other delivery has failed for the same cause.").waitFor();
		const { project } = world.server;
		await project.events.sendBatch(["kin.one", "kin.one", "kin.other"].map((type) => ({ type, data: 2 })));
		await expect.poll(async () => (await project.deliveries.count({ cause: "status_413" })).count).toBe(4);
		await page.reload();
		await page.getByRole("link", { name: "3 in the project" }).waitFor();
		await page.getByRole("link", { name: "2 to this webhook" }).click();
		await page.getByText("3 match", { exact: true }).waitFor();
	});

	it("has a title that tells it from the other deliveries of its event, and from the event", async () => {
		await using receiver = await startReceiver();
		for (let count = 0; count < 2; count++)
			await world.server.createWebhook(receiver.url, { eventTypes: ["title.one"] });
		const { id: eventId } = await world.server.project.events.send({ type: "title.one", data: 1 });
		const { data } = await world.server.project.deliveries.list({ eventId });
		expect(data).toHaveLength(2);
		await using tab = await world.open("settings");
		const { page } = tab;
		const ends: string[] = [];
		for (const { id } of data) {
			await page.goto(`${world.server.url}/ui/${world.server.projectId}/deliveries/${id}`);
			const title = await page.getByRole("heading", { level: 1, name: /^Delivery …/ }).innerText();
			ends.push(title.replace("Delivery …", ""));
			expect(id.endsWith(ends.at(-1)!)).toBe(true);
		}
		expect(ends[0]).not.toBe(ends[1]);
		expect(ends.some((end) => eventId.endsWith(end))).toBe(false);
	});

	it("shows hostile data, answers and headers as text", async () => {
		await using receiver = await startReceiver();
		const attack = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;
		receiver.script(() => ({
			status: 500,
			body: attack,
			headers: { "x-attack": attack, "content-type": "text/html" },
		}));
		const id = await send(
			world,
			receiver.url,
			"hostile.one",
			JSON.stringify({ [attack]: attack, "\u202e": "javascript:alert(1)" }),
		);
		await using tab = await world.open(`deliveries/${id}`);
		await tab.page.getByRole("region", { name: "Response body" }).getByText(attack).waitFor();
		await tab.page.getByText("Headers of the response").click();
		await tab.page.getByText("x-attack").waitFor();
		await expect.poll(() => tab.page.title()).toMatch(/^Delivery/);
		await expect.poll(() => tab.page.locator("img").count()).toBe(0);
	});

	it("lets no text look like another one by marks that turn what follows", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 500, body: "an answer \u202ethat goes on" }));
		const id = await send(world, receiver.url, "turned.one", JSON.stringify({ file: "invoice\u202egnp.exe", is: 1 }));
		await using tab = await world.open(`deliveries/${id}`);
		const { page } = tab;
		for (const [name, form] of [
			["Response body", null],
			["Request body", "As sent"],
			["Request body", "Pretty"],
		] as const) {
			const body = page.getByRole("region", { name, exact: true });
			if (form !== null)
				await page
					.getByRole("radiogroup", { name: `Form of: ${name}` })
					.getByText(form, { exact: true })
					.click();
			await body.getByText("U+202E").or(body.locator("[data-code='U+202E']")).first().waitFor();
			// Each character is on the right of the one before it, or further down.
			const turned = await page.evaluate(`(() => {
				const body = document.querySelector("pre[aria-label='${name}']");
				const range = document.createRange();
				const walker = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
				const places = [];
				while (walker.nextNode()) {
					const { currentNode: node } = walker;
					for (let at = 0; at < node.length; at++) {
						range.setStart(node, at);
						range.setEnd(node, at + 1);
						const { left, top, width } = range.getBoundingClientRect();
						if (width > 0) places.push({ left, top });
					}
				}
				return places.filter(({ left, top }, at) => at > 0 && top === places[at - 1].top && left < places[at - 1].left).length;
			})()`);
			expect([name, form, turned]).toEqual([name, form, 0]);
			expect(await body.textContent()).toContain("\u202e");
		}
		expect(await axeFindings(page)).toEqual([]);
	});

	it("shows the largest body, in one line, exactly, and works less on a key than to show such a text three times", async () => {
		await using receiver = await startReceiver();
		const around = `{"type":"large.one","data":""}`.length;
		const text = "0123456789".repeat(LARGEST / 10).slice(0, LARGEST - around);
		const id = await send(world, receiver.url, "large.one", `"${text}"`);
		await using tab = await world.open(`deliveries/${id}`);
		const { page, person } = tab;
		const body = page.getByRole("region", { name: "Request body" });
		await body.waitFor();
		const sent = receiver.requests[0]!.rawBody.toString();
		expect(sent.length).toBeGreaterThanOrEqual(LARGEST);
		expect(await body.innerText()).toBe(sent);
		// How long the page's thread has worked, on a busy machine, too: it is not the time on the clock.
		const devtools = await person.context.newCDPSession(page);
		await devtools.send("Performance.enable", { timeDomain: "threadTicks" });
		const workedMs = async () => {
			const { metrics } = await devtools.send("Performance.getMetrics");
			return 1_000 * metrics.find(({ name }) => name === "TaskDuration")!.value;
		};
		const workOf = async (act: () => Promise<unknown>) => {
			const before = await workedMs();
			await act();
			// What it shows is on the screen then.
			await page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))");
			return (await workedMs()) - before;
		};
		const perKey: number[] = [];
		for (const zone of ["UTC", "Local time", "UTC", "Local time", "UTC"]) {
			const press = async () => {
				await page.keyboard.press("u");
				await page.getByRole("button", { name: new RegExp(`^${zone}:`) }).waitFor();
			};
			perKey.push(await workOf(press));
		}
		// Some 75 ms where a key takes 10 ms.
		const shown = await workOf(() =>
			page.evaluate(`{
				const body = document.querySelector("pre[aria-label='Request body']");
				for (let time = 1; time <= 3; time++) {
					const copy = body.cloneNode();
					copy.textContent = ${JSON.stringify(sent)};
					body.after(copy);
					copy.getBoundingClientRect();
					copy.remove();
				}
			}`),
		);
		// The least: at some of them, something else is done as well, such as collecting garbage.
		expect(Math.min(...perKey)).toBeLessThan(shown);
	});

	it("asks for its webhook no more once that is deleted", async () => {
		const { project } = world.server;
		const { id } = await project.batch.webhooks.create({
			name: "Gone",
			spec: { endpoint: "https://example.com/gone" },
		});
		const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
		const { queryKey } = webhookQuery(project, id);
		const stop = new QueryObserver(client, webhookQuery(project, id)).subscribe(() => {});
		await expect.poll(() => client.getQueryData(queryKey)?.name).toBe("Gone");
		await project.batch.webhooks.delete(id);
		const failures = async () => {
			await client.invalidateQueries({ queryKey: ["project", project.id, "webhooks"] });
			return client.getQueryState(queryKey)?.errorUpdateCount;
		};
		expect([await failures(), await failures()]).toEqual([1, 1]);
		stop();
	});

	it("leads to its event, its customer and its webhook", async () => {
		const { project, projectId, url } = world.server;
		const spec = { endpoint: "https://example.com/leads", eventTypes: ["leads.one"] };
		const webhook = await project.batch.webhooks.create({ name: "Leads", customerId: "umbrella", spec });
		await project.batch.webhooks.pause(webhook.id);
		const { id } = await project.events.send({ type: "leads.one", data: 1, customerIds: ["umbrella"] });
		const delivery = await world.server.waitForDelivery(id, ({ status }) => status === "Held");
		await using tab = await world.open();
		const { page } = tab;
		for (const [name, path] of [
			[id, `events/${id}`],
			["umbrella", "customers/umbrella"],
			["Leads", `webhooks/${webhook.id}`],
		] as const) {
			await page.goto(`${url}/ui/${projectId}/deliveries/${delivery.id}`);
			await page
				.getByRole("region", { name: "Delivery", exact: true })
				.getByRole("link", { name, exact: true })
				.click();
			await expect.poll(() => new URL(page.url()).pathname).toBe(`/ui/${projectId}/${path}`);
		}
	});

	it("shows the attempt to come, with its time, beside those that were made", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 503, headers: { "retry-after": "600" } }));
		await world.server.createWebhook(receiver.url, { eventTypes: ["come.one"] });
		const { id } = await world.server.project.events.send({ type: "come.one", data: 1 });
		const delivery = await world.server.waitForDelivery(id, ({ attemptCount }) => attemptCount === 1);
		await using tab = await world.open(`deliveries/${delivery.id}`);
		const attempts = tab.page.getByRole("region", { name: "Attempts" });
		await attempts.getByRole("heading", { name: "1 attempt" }).waitFor();
		await tab.page.clock.setFixedTime(delivery.nextAttemptDate! - 600_000);
		await attempts.getByText(/^Attempt 2 at .+, in 10 min/).waitFor();
	});

	it("has the attempt that is shown in its address: after a key, a click, a step back, and by a link", async () => {
		await using receiver = await startReceiver();
		receiver.script((_request, index) => ({ status: [500, 502][index] ?? 503 }));
		await world.server.createWebhook(receiver.url, {
			eventTypes: ["address.one"],
			retries: { maxRetries: 2, maxRetryDelay: 1 },
		});
		const { id } = await world.server.project.events.send({ type: "address.one", data: 1 });
		const delivery = await world.server.waitForDelivery(id, ({ status }) => status === "Failed");
		await using tab = await world.open(`deliveries/${delivery.id}?status=Failed`);
		const { page } = tab;
		const attempts = page.getByRole("region", { name: "Attempts" });
		/** Waits until an attempt is shown, and the address names it. */
		const shown = async (code: string, search: string) => {
			await attempts.locator("[aria-current]").getByText(code).waitFor();
			await page.getByRole("region", { name: "Response", exact: true }).getByText(code, { exact: true }).waitFor();
			expect(await attempts.locator("[aria-current]").count()).toBe(1);
			expect(new URL(page.url()).search).toBe(search);
		};
		await shown("503", "?status=Failed");
		await page.keyboard.press("]");
		await page.keyboard.press("[");
		await shown("502", "?status=Failed&attempt=2");
		await attempts.getByRole("link").first().click();
		await shown("500", "?status=Failed&attempt=1");
		await page.keyboard.press("[");
		await page.reload();
		await shown("500", "?status=Failed&attempt=1");
		await page.goBack();
		await shown("502", "?status=Failed&attempt=2");
		await page.keyboard.press("]");
		await shown("503", "?status=Failed");
		await page.goBack();
		await shown("502", "?status=Failed&attempt=2");
		await page.goBack();
		await shown("503", "?status=Failed");
		// The list that it leads back to is the same.
		await attempts.getByRole("link").first().click();
		await shown("500", "?status=Failed&attempt=1");
		await page.getByRole("link", { name: "‹ Deliveries" }).click();
		await page.getByRole("heading", { name: "Deliveries", level: 1 }).waitFor();
		expect(new URL(page.url()).search).toBe("?status=Failed");
		await page.goto(`${world.server.url}/ui/${world.server.projectId}/deliveries/${delivery.id}?attempt=9`);
		await page.getByText("Attempt 9 is not among those that are shown. This is the newest one.").waitFor();
		await shown("503", "?attempt=9");
	});

	it("has the attempt that is shown in its address also beside the list, which is not fetched again for it", async () => {
		await using receiver = await startReceiver();
		// Each of two deliveries is tried twice, one after the other.
		receiver.script((_request, index) => ({ status: index % 2 === 0 ? 500 : 503 }));
		await world.server.createWebhook(receiver.url, {
			eventTypes: ["beside.one"],
			retries: { maxRetries: 1, maxRetryDelay: 1 },
		});
		const made: string[] = [];
		for (let sent = 0; sent < 2; sent++) {
			const { id } = await world.server.project.events.send({ type: "beside.one", data: sent });
			made.unshift((await world.server.waitForDelivery(id, ({ status }) => status === "Failed")).id);
		}
		const [newer, older] = made;
		await using tab = await world.open(`deliveries?type=beside.one&open=${newer}&attempt=1`, {
			size: { width: 1_400, height: 900 },
		});
		const { page } = tab;
		const beside = page.getByRole("complementary", { name: "The delivery" });
		const chosen = beside.locator(".timeline-item[aria-current]");
		await chosen.getByText("500").waitFor();
		await page.locator(`[data-row="${older}"]`).waitFor();
		const lists: string[] = [];
		page.on("request", (request) => {
			if (/\/deliveries(:count)?\?/.test(request.url())) lists.push(request.url());
		});
		const search = () => new URL(page.url()).search;
		await page.keyboard.press("]");
		await chosen.getByText("503").waitFor();
		expect(search()).toBe(`?type=beside.one&open=${newer}`);
		await page.keyboard.press("[");
		await chosen.getByText("500").waitFor();
		expect(search()).toBe(`?type=beside.one&open=${newer}&attempt=1`);
		expect(lists).toEqual([]);
		const own = beside.getByRole("link", { name: "Open on a page of its own" });
		expect(await own.getAttribute("href")).toContain(`/deliveries/${newer}?type=beside.one&attempt=1`);
		// Of another delivery, the newest one is shown.
		await page.keyboard.press("j");
		await expect.poll(search).toBe(`?type=beside.one&open=${older}`);
		await chosen.getByText("503").waitFor();
		// One step back leads to the list, and opens nothing again that was closed.
		await page.goto(`${world.server.url}/ui/${world.server.projectId}/deliveries?type=beside.one`);
		await page.locator(`[data-row="${newer}"]`).click();
		await chosen.getByText("503").waitFor();
		await page.keyboard.press("[");
		await chosen.getByText("500").waitFor();
		await page.keyboard.press("Escape");
		await beside.waitFor({ state: "detached" });
		await page.goBack();
		expect(search()).toBe("?type=beside.one");
		expect(await beside.count()).toBe(0);
	});

	it("is copied as curl, and as a summary without the payload", async () => {
		await using receiver = await startReceiver();
		const id = await send(world, receiver.url, "copy.one", `{"it's":"payload"}`);
		await using tab = await world.open(`deliveries/${id}`);
		await tab.person.context.grantPermissions(["clipboard-read", "clipboard-write"]);
		await tab.page.getByRole("button", { name: "Copy as curl" }).click();
		await tab.page.getByText("Copied the request as curl").waitFor();
		const curl = await tab.page.evaluate<string>("navigator.clipboard.readText()");
		expect(curl).toContain(`curl -X POST '${receiver.url}`);
		expect(curl).toContain(String.raw`{"it'\''s":"payload"}`);
		await tab.page.getByRole("button", { name: "Copy for support" }).click();
		await tab.page.getByText("Copied a summary").waitFor();
		const summary = await tab.page.evaluate<string>("navigator.clipboard.readText()");
		expect(summary).toContain(id);
		expect(summary).not.toContain("payload");
	});

	it.each(["light", "dark"] as const)("is accessible in %s colours, also on a phone", async (scheme) => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 429, body: '{"error":"slow down"}' }));
		const id = await send(world, receiver.url, `axe.${scheme}`, '{"a":[1,true,null]}');
		await using tab = await world.open(`deliveries/${id}`, { scheme, size: { width: 360, height: 800 } });
		await tab.page.getByText("Set a rate limit").waitFor();
		await tab.page.getByRole("region", { name: "Response body" }).waitFor();
		expect(await axeFindings(tab.page)).toEqual([]);
		const overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
		expect(await tab.page.evaluate(overflow)).toBe(0);
	});
});
