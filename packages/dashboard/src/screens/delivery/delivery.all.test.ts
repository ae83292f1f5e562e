// One delivery, in a real browser: hostile and large contents, and exact ones.
import { axeFindings } from "@fanfare/testkit/browser/axe";
import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { expect, it } from "vitest";

import { deliverTo } from "../../../test/sent-deliveries.ts";
import { ONCE, pageSuite, type World } from "../../../test/suite.ts";
import { webhookQuery } from "../webhook/queries.ts";

/** The most bytes that the body of an event may have. */
const LARGEST = 256 * 1_024;

/** Sends data as JSON text, and returns the id of its only delivery, which has ended. */
async function send(world: World, endpoint: string, type: string, data: string): Promise<string> {
	await world.server.createWebhook(endpoint, { eventTypes: [type], retries: ONCE });
	const path = `/projects/${world.server.projectId}/events`;
	const { json } = await world.server.call("POST", path, `{"type":"${type}","data":${data}}`);
	const { id } = json as { readonly id: string };
	return (await world.server.waitForDelivery(id, ({ status }) => status !== "Pending")).id;
}

pageSuite("a delivery", (world) => {
	it("shows the request exactly: numbers keep all their digits", async () => {
		const json = '{"id":12345678901234567890,"small":1e-400}';
		const { delivery, receiver } = await deliverTo(world, 200, "exact.one", { json });
		const { page } = await world.open(`deliveries/${delivery.id}`);
		const body = page.getByRole("region", { name: "Request body" });
		await body.getByText("12345678901234567890").waitFor();
		await expect.poll(() => body.innerText()).toContain('"small": 1e-400');
		await page.getByText("As sent", { exact: true }).click();
		await expect.poll(() => body.innerText()).toBe(receiver.requests[0]!.rawBody.toString());
		expect(await body.innerText()).toContain(`"data":${json}}`);
	});

	it("says how many others have failed for the same cause, and leads to them", async () => {
		const { delivery } = await deliverTo(world, 413, "kin.one");
		const { page } = await world.open(`deliveries/${delivery.id}`);
		await page.getByText("No other delivery has failed for the same cause.").waitFor();
		await deliverTo(world, 413, "kin.other");
		const { project } = world.server;
		await project.events.sendBatch([1, 2].map((data) => ({ type: "kin.one", data })));
		await expect.poll(async () => (await project.deliveries.count({ cause: "status_413" })).count).toBe(4);
		await page.reload();
		await page.getByRole("link", { name: "3 in the project" }).waitFor();
		await page.getByRole("link", { name: "2 to this webhook" }).click();
		await page.getByText("3 match", { exact: true }).waitFor();
	});

	it("has a title that tells it from the other deliveries of its event, and from the event", async () => {
		const receiver = await world.receiver();
		for (let count = 0; count < 2; count++)
			await world.server.createWebhook(receiver.url, { eventTypes: ["title.one"] });
		const { id: eventId } = await world.server.project.events.send({ type: "title.one", data: 1 });
		const { data } = await world.server.project.deliveries.list({ eventId });
		expect(data).toHaveLength(2);
		const { page } = await world.open("settings");
		const ends: string[] = [];
		for (const { id } of data) {
			await page.goto(world.url(`deliveries/${id}`));
			const title = await page.getByRole("heading", { level: 1, name: /^Delivery …/ }).innerText();
			ends.push(title.replace("Delivery …", ""));
			expect(id.endsWith(ends.at(-1)!)).toBe(true);
		}
		expect(ends[0]).not.toBe(ends[1]);
		expect(ends.some((end) => eventId.endsWith(end))).toBe(false);
	});

	it("shows hostile data, answers and headers as text", async () => {
		const attack = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;
		const receiver = await world.receiver();
		const headers = { "x-attack": attack, "content-type": "text/html" };
		receiver.script(() => ({ status: 500, body: attack, headers }));
		const data = JSON.stringify({ [attack]: attack, "\u202e": "javascript:alert(1)" });
		const id = await send(world, receiver.url, "hostile.one", data);
		const { page } = await world.open(`deliveries/${id}`);
		await page.getByRole("region", { name: "Response body" }).getByText(attack).waitFor();
		await page.getByText("Headers of the response").click();
		await page.getByText("x-attack").waitFor();
		await expect.poll(() => page.title()).toMatch(/^Delivery/);
		await expect.poll(() => page.locator("img").count()).toBe(0);
	});

	it("lets no text look like another one by marks that turn what follows", async () => {
		const receiver = await world.receiver();
		receiver.script(() => ({ status: 500, body: "an answer \u202ethat goes on" }));
		const id = await send(world, receiver.url, "turned.one", JSON.stringify({ file: "invoice\u202egnp.exe", is: 1 }));
		const { page } = await world.open(`deliveries/${id}`);
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
		const receiver = await world.receiver();
		const around = `{"type":"large.one","data":""}`.length;
		const text = "0123456789".repeat(LARGEST / 10).slice(0, LARGEST - around);
		const id = await send(world, receiver.url, "large.one", `"${text}"`);
		const { page, person } = await world.open(`deliveries/${id}`);
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
		const { project, projectId } = world.server;
		const spec = { endpoint: "https://example.com/leads", eventTypes: ["leads.one"] };
		const webhook = await project.batch.webhooks.create({ name: "Leads", customerId: "umbrella", spec });
		await project.batch.webhooks.pause(webhook.id);
		const { id } = await project.events.send({ type: "leads.one", data: 1, customerIds: ["umbrella"] });
		const delivery = await world.server.waitForDelivery(id, ({ status }) => status === "Held");
		const { page } = await world.open(`deliveries/${delivery.id}`);
		const facts = page.getByRole("region", { name: "Delivery", exact: true });
		for (const [name, path] of [
			[id, `events/${id}`],
			["umbrella", "customers/umbrella"],
			["Leads", `webhooks/${webhook.id}`],
		] as const) {
			const link = facts.getByRole("link", { name, exact: true });
			expect(await link.getAttribute("href")).toBe(`/ui/${projectId}/${path}`);
		}
	});

	it("shows the attempt to come, with its time, beside those that were made", async () => {
		const receiver = await world.receiver();
		receiver.script(() => ({ status: 503, headers: { "retry-after": "600" } }));
		await world.server.createWebhook(receiver.url, { eventTypes: ["come.one"] });
		const { id } = await world.server.project.events.send({ type: "come.one", data: 1 });
		const delivery = await world.server.waitForDelivery(id, ({ attemptCount }) => attemptCount === 1);
		const { page } = await world.open(`deliveries/${delivery.id}`);
		const attempts = page.getByRole("region", { name: "Attempts" });
		await attempts.getByRole("heading", { name: "1 attempt" }).waitFor();
		await page.clock.setFixedTime(delivery.nextAttemptDate! - 600_000);
		await attempts.getByText(/^Attempt 2 at .+, in 10 min/).waitFor();
	});

	it("has the attempt that is shown in its address: after a key, a click, a step back, and by a link", async () => {
		const receiver = await world.receiver();
		receiver.script((_request, index) => ({ status: [500, 502][index] ?? 503 }));
		await world.server.createWebhook(receiver.url, {
			eventTypes: ["address.one"],
			retries: { maxRetries: 2, maxRetryDelay: 1 },
		});
		const { id } = await world.server.project.events.send({ type: "address.one", data: 1 });
		const delivery = await world.server.waitForDelivery(id, ({ status }) => status === "Failed");
		const { page } = await world.open(`deliveries/${delivery.id}?status=Failed`);
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
		await page.goto(world.url(`deliveries/${delivery.id}?attempt=9`));
		await page.getByText("Attempt 9 is not among those that are shown. This is the newest one.").waitFor();
		await shown("503", "?attempt=9");
	});

	it("has the attempt that is shown in its address also beside the list, which is not fetched again for it", async () => {
		const receiver = await world.receiver();
		// Each of two deliveries is tried twice, one after the other.
		receiver.script((_request, index) => ({ status: index % 2 === 0 ? 500 : 503 }));
		const retries = { maxRetries: 1, maxRetryDelay: 1 };
		await world.server.createWebhook(receiver.url, { eventTypes: ["beside.one"], retries });
		const made: string[] = [];
		for (let sent = 0; sent < 2; sent++) {
			const { id } = await world.server.project.events.send({ type: "beside.one", data: sent });
			made.unshift((await world.server.waitForDelivery(id, ({ status }) => status === "Failed")).id);
		}
		const [newer, older] = made;
		const size = { width: 1_400, height: 900 };
		const { page } = await world.open(`deliveries?type=beside.one&open=${newer}&attempt=1`, { size });
		const beside = page.getByRole("complementary", { name: "The delivery" });
		const shown = async (code: string, search: string) => {
			await beside.locator(".timeline-item[aria-current]").getByText(code).waitFor();
			await expect.poll(() => new URL(page.url()).search).toBe(`?type=beside.one${search}`);
		};
		await shown("500", `&open=${newer}&attempt=1`);
		await page.locator(`[data-row="${older}"]`).waitFor();
		const lists: string[] = [];
		page.on("request", (request) => {
			if (/\/deliveries(:count)?\?/.test(request.url())) lists.push(request.url());
		});
		await page.keyboard.press("]");
		await shown("503", `&open=${newer}`);
		await page.keyboard.press("[");
		await shown("500", `&open=${newer}&attempt=1`);
		expect(lists).toEqual([]);
		const own = beside.getByRole("link", { name: "Open on a page of its own" });
		expect(await own.getAttribute("href")).toContain(`/deliveries/${newer}?type=beside.one&attempt=1`);
		// Of another delivery, the newest one is shown.
		await page.keyboard.press("j");
		await shown("503", `&open=${older}`);
		// One step back leads to the list, and opens nothing again that was closed.
		await page.goto(world.url("deliveries?type=beside.one"));
		await page.locator(`[data-row="${newer}"]`).click();
		await shown("503", `&open=${newer}`);
		await page.keyboard.press("[");
		await shown("500", `&open=${newer}&attempt=1`);
		await page.keyboard.press("Escape");
		await beside.waitFor({ state: "detached" });
		await page.goBack();
		expect(new URL(page.url()).search).toBe("?type=beside.one");
		expect(await beside.count()).toBe(0);
	});

	it("is copied as curl by a button or a key, and as a summary without the payload", async () => {
		const { delivery, receiver } = await deliverTo(world, 500, "copy.one", { json: `{"it's":"payload"}` });
		const { page, person } = await world.open(`deliveries/${delivery.id}`);
		await person.context.grantPermissions(["clipboard-read", "clipboard-write"]);
		const copied = () => page.evaluate<string>("navigator.clipboard.readText()");
		const asCurl = page.getByRole("button", { name: "Copy as curl" });
		await asCurl.waitFor();
		for (const copy of [() => page.keyboard.press("c"), () => asCurl.click()]) {
			await page.evaluate("navigator.clipboard.writeText('')");
			await copy();
			await expect.poll(copied).toContain(`curl -X POST '${receiver.url}`);
			expect(await copied()).toContain(String.raw`{"it'\''s":"payload"}`);
		}
		await page.getByText("Copied the request as curl").first().waitFor();
		await page.getByRole("button", { name: "Copy for support" }).click();
		await page.getByText("Copied a summary").waitFor();
		expect(await copied()).toContain(delivery.id);
		expect(await copied()).not.toContain("payload");
	});
});
