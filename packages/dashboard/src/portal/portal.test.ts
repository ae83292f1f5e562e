// The portal as customers use it: by a link, and inside a page of the product, in a real browser against a real server.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import type { Capability, CreatePortalSession } from "@fanfare/sdk";
import { axeFindings } from "@fanfare/testkit/browser/axe";
import type { TabOptions } from "@fanfare/testkit/browser/browser";
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import type { FrameLocator, Page, Route } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { hold } from "../../test/held-call.ts";
import { pageSuite } from "../../test/suite.ts";

/** Of the event type `order.paid`, as it is kept. */
const EXAMPLE = '{"orderId":98765432109876543210,"total":12.50}';
const ALL: readonly Capability[] = ["webhooks.write", "secrets.rotate", "payloads.read", "deliveries.retry", "replay"];
/** The web server of the product. It listens from the beginning, since the server of Fanfare must be told its origin. */
const pages = createServer().listen(0, "localhost");
await once(pages, "listening");
/** Not 127.0.0.1: a page of the product is of another origin than the portal. */
const HOST = `http://localhost:${(pages.address() as AddressInfo).port}`;

afterAll(() => void pages.close());

pageSuite(
	"the portal",
	(world) => {
		let receiver: Receiver;
		beforeAll(async () => {
			receiver = await startReceiver();
			const paid = `{"description":"Somebody has paid an order.","example":${EXAMPLE}}`;
			const path = `/projects/${world.server.projectId}/event-types/order.paid`;
			expect((await world.server.call("PUT", path, paid)).status).toBe(200);
			await world.server.project.eventTypes.create({ name: "order.refunded", description: "Money went back." });
			return () => receiver[Symbol.asyncDispose]();
		});

		const portalSessions = () => world.server.project.portalSessions;

		/** Opens the portal by a link, as a customer who has got one just now. */
		async function open(session: CreatePortalSession, options: TabOptions & { readonly path?: string } = {}) {
			const { path = "", ...tabOptions } = options;
			const created = await portalSessions().create({ capabilities: ALL, ...session });
			const person = await world.browser.person(tabOptions);
			const url = new URL(path, created.url);
			url.hash = new URL(created.url).hash;
			const page = await person.tab(url.href);
			return {
				page,
				person,
				session: created,
				async [Symbol.asyncDispose]() {
					const { problems } = person;
					await person[Symbol.asyncDispose]();
					expect(problems).toEqual([]);
				},
			};
		}

		/** A webhook of the customer, whose receiver answers as told. */
		async function endpointOf(customerId: string, name: string, path = `/${customerId}`) {
			return world.server.project.batch.webhooks.create({
				name,
				customerId,
				spec: { endpoint: `${receiver.url}${path}`, retries: { maxRetries: 0, maxRetryDelay: 0 } },
			});
		}

		/** Sends an event to the customer, and waits until its delivery has this status. */
		async function sent(customerId: string, status: string, type = "order.paid") {
			const { id } = await world.server.project.events.send({ type, data: { orderId: 12345678901 }, customerId });
			return world.server.waitForDelivery(id, (delivery) => delivery.status === status);
		}

		it("takes the token out of the address, and keeps it for this tab alone", async () => {
			await using tab = await open({ customerId: "tab" });
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

		it("shows what came after a screen was loaded, and before it first asked for changes", async () => {
			receiver.script(() => ({}));
			const { id } = await endpointOf("between", "Shop");
			const { url } = await portalSessions().create({ capabilities: ALL, customerId: "between" });
			await using person = await world.browser.person();
			const held: Route[] = [];
			let isLoading = false;
			person.context.on("request", (request) => (isLoading ||= request.url().endsWith(`/webhooks/${id}`)));
			await person.context.route(/\/stream\/items/, (route) => (isLoading ? void held.push(route) : route.fallback()));
			const page = await person.tab(url.replace("/portal/", `/portal/endpoints/${id}`));
			await page.getByText("No deliveries yet.").waitFor();
			await expect.poll(() => held.length).toBe(1);
			await sent("between", "Succeeded");
			await held[0]!.continue();
			await page.getByRole("button", { name: "New deliveries. Show them" }).waitFor();
			expect(person.problems).toEqual([]);
		});

		it("leads from nothing to an endpoint that works", async () => {
			receiver.script(({ path }) => (path === "/new" ? { status: 500, body: "broken" } : {}));
			await using tab = await open({ customerId: "new" });
			const { page } = tab;
			await page.getByRole("link", { name: "Add endpoint" }).click();
			await page.getByRole("button", { name: "Add and test" }).click();
			await page.getByText("Enter the address of your server.").waitFor();
			await page.getByLabel("Address").fill(`${receiver.url}/new`);
			await page.getByLabel("Only these").check();
			await page.getByRole("checkbox", { name: /order\.paid/ }).check();
			await page.getByRole("button", { name: "Add and test" }).click();
			// The test runs at once, and says what came back.
			await page.getByText("Your server answered 500.").waitFor();
			const secret = (await page.getByRole("region", { name: "Signing secret" }).locator("code").textContent()) ?? "";
			expect(secret).toMatch(/^whsec_/);
			await page.goBack();
			await page.getByRole("group", { name: "Leave" }).getByRole("button", { name: "Stay" }).click();
			expect(await page.getByRole("region", { name: "Signing secret" }).locator("code").textContent()).toBe(secret);
			await page.getByRole("button", { name: "Python" }).click();
			await page.getByText("hmac.compare_digest").waitFor();
			receiver.script(() => ({}));
			await page.getByRole("button", { name: "Test again" }).click();
			await page.getByText("It works: your server answered 200").waitFor();
			await page.getByRole("link", { name: "Done" }).click();
			await page.getByText("No deliveries yet.").waitFor();
			await sent("new", "Succeeded");
			await page.getByRole("button", { name: "New deliveries. Show them" }).click();
			await page.getByRole("link", { name: "order.paid" }).click();
			await page.getByText("It arrived: your server answered 200").waitFor();
			await page.getByText("12345678901").waitFor();
			// Nobody can read the secret later.
			expect(await page.content()).not.toContain(secret);
			const [webhook] = (await world.server.project.batch.webhooks.list({ customerId: "new" })).data;
			expect([webhook?.eventTypes, webhook?.secretHint]).toEqual([["order.paid"], secret.slice(-4)]);
		});

		it("asks again only for what is near the window of a long list, and for the rest when that comes near", async () => {
			receiver.script(() => ({ status: 500 }));
			await endpointOf("many", "Shop");
			const real = await sent("many", "Failed");
			await using tab = await open({ customerId: "many" });
			const { page, person } = tab;
			const [pageRows, rows] = [50, 200];
			const log = { asked: [] as number[], eventType: "order.before" };
			const rowId = (index: number) => `dlv_00000000-0000-4000-8000-${String(index).padStart(12, "0")}`;
			await person.context.route(/\/projects\/[^/]+\/deliveries\?/, (route) => {
				const start = Number(new URL(route.request().url()).searchParams.get("page") ?? 0);
				log.asked.push(start);
				const { eventType } = log;
				const data = Array.from({ length: pageRows }, (_, at) => ({ ...real, id: rowId(start + at), eventType }));
				const nextPage = start + pageRows === rows ? null : String(start + pageRows);
				return route.fulfill({ json: { data, nextPage, prevPage: null, scannedTo: null } });
			});
			await page.goto(`${world.server.url}/portal/deliveries?show=failed`);
			const row = (index: number) => page.locator(`[data-row="${rowId(index)}"]`);
			for (let shown = pageRows; shown < rows; shown += pageRows) {
				await row(shown - 1).waitFor();
				await page.getByRole("button", { name: "Show more" }).click();
			}
			await row(rows - 1).waitFor();
			expect(log.asked).toEqual([0, 50, 100, 150]);
			await page.evaluate("scrollTo(0, 0)");
			log.eventType = "order.after";
			await page.getByRole("button", { name: "Retry 1 failed" }).click();
			await page.getByRole("group", { name: "Retry 1 failed" }).getByRole("button", { name: "Retry 1 failed" }).click();
			await row(0).getByText("order.after").waitFor();
			expect(log.asked.slice(4)).toEqual([0]);
			await page.evaluate("scrollTo(0, document.documentElement.scrollHeight)");
			await row(rows - 1)
				.getByText("order.after")
				.waitFor();
			expect(log.asked.slice(4)).not.toContain(50);
		});

		it("says why a delivery failed and what to do, and sends it again, one or all", async () => {
			receiver.script(({ path }) => (path === "/fails" ? { status: 404 } : {}));
			const { id } = await endpointOf("fails", "Shop", "/fails");
			for (let n = 0; n < 3; n++) await sent("fails", "Failed");
			await using tab = await open({ customerId: "fails" }, { path: `endpoints/${id}?show=failed` });
			const { page } = tab;
			await page.getByText("There is nothing at this path.").first().waitFor();
			const place = page.getByRole("link", { name: "Endpoints", exact: true });
			expect(await place.getAttribute("aria-current")).toBe("true");
			await page.getByRole("link", { name: "order.paid" }).first().click();
			await page.getByText("What to do: Correct the path of the address.").waitFor();
			receiver.script(() => ({}));
			await page.getByRole("button", { name: "Send again" }).click();
			await page.getByText("It arrived: your server answered 200").waitFor();
			await page.getByRole("link", { name: "Back to Shop" }).click();
			await page.getByRole("button", { name: "Retry 2 failed" }).click();
			await page.getByRole("group", { name: "Retry 2 failed" }).getByRole("button", { name: "Retry 2 failed" }).click();
			await page.getByText("2 deliveries are sent again.").waitFor();
			await expect
				.poll(
					async () => (await world.server.project.deliveries.count({ customerId: "fails", status: "Succeeded" })).count,
				)
				.toBe(3);
		});

		it("leads from an endpoint that was switched off to its resumption, and sends what was missed", async () => {
			receiver.script(({ path }) => (path === "/gone" ? { status: 410 } : {}));
			await endpointOf("gone", "Shop", "/gone");
			await sent("gone", "Failed");
			await using tab = await open({ customerId: "gone" });
			const { page } = tab;
			await page.getByRole("link", { name: "Fix and resume" }).click();
			await page.getByText("because your server answered that it wants no more").waitFor();
			receiver.script(() => ({}));
			await page.getByRole("button", { name: "Resume" }).click();
			await page.getByRole("button", { name: "Pause" }).waitFor();
			await page.getByRole("button", { name: "Send again what was missed" }).click();
			const started = page.waitForRequest(
				(call) => call.url().endsWith(":replay") && !(call.postData() ?? "").includes("dryRun"),
			);
			await page.getByRole("button", { name: "Send 1 again" }).click();
			await page.getByText("1 event was sent again.").waitFor();
			// Nothing that has come since the count.
			const { since, until } = (await started).postDataJSON() as Readonly<Record<string, number>>;
			expect(until).toBeGreaterThan(since!);
			// The list does not move by itself.
			expect(await page.locator("[data-row]").count()).toBe(1);
			await page.getByRole("button", { name: "New deliveries. Show them" }).click();
			await expect.poll(() => page.locator("[data-row]").count()).toBe(2);
			await expect
				.poll(
					async () => (await world.server.project.deliveries.count({ customerId: "gone", status: "Succeeded" })).count,
				)
				.toBe(1);
		});

		it("changes the settings, replaces the secret and deletes the endpoint", async () => {
			receiver.script(() => ({}));
			const { id, secretHint } = await endpointOf("edit", "Old name");
			await using tab = await open({ customerId: "edit" }, { path: `endpoints/${id}?view=settings` });
			const { page } = tab;
			await page.getByRole("textbox", { name: "Name" }).fill("New name");
			await page.getByRole("button", { name: "Save" }).click();
			await page.getByRole("heading", { name: "New name" }).waitFor();
			await page.getByRole("button", { name: "Replace the secret" }).click();
			await page.getByRole("button", { name: "Make a new secret" }).click();
			const shown = await page.getByRole("region", { name: "Signing secret" }).locator("code").first().textContent();
			const { batch } = world.server.project;
			await expect.poll(async () => (await batch.webhooks.get(id)).secretHint).toBe(shown?.slice(-4));
			expect(shown?.slice(-4)).not.toBe(secretHint);
			// Nobody leaves it unasked.
			await page.getByRole("link", { name: "Events", exact: true }).click();
			const question = page.getByRole("group", { name: "Leave" });
			await question.getByText("Leave without the secret?").waitFor();
			expect(await axeFindings(page)).toEqual([]);
			await question.getByRole("button", { name: "Stay" }).click();
			await expect.poll(() => question.count()).toBe(0);
			expect(await page.getByRole("region", { name: "Signing secret" }).locator("code").first().textContent()).toBe(
				shown,
			);
			await page.getByRole("button", { name: "Done" }).click();
			await page.getByText(`The secret ends with ${shown?.slice(-4)}.`).waitFor();
			await page.getByRole("button", { name: "Delete this endpoint" }).click();
			await page.getByRole("button", { name: "Delete", exact: true }).click();
			await page.getByRole("heading", { name: "No endpoints yet" }).waitFor();
		});

		it("merges settings that somebody else has changed meanwhile field by field, and loses nothing that was typed", async () => {
			receiver.script(() => ({}));
			const { id } = await endpointOf("merge", "Before");
			await using tab = await open({ customerId: "merge" }, { path: `endpoints/${id}?view=settings` });
			const { page } = tab;
			await page.getByLabel("Name").fill("Mine");
			const { webhooks } = world.server.project.batch;
			const theirs = { name: "Theirs", spec: { endpoint: `${receiver.url}/theirs` } };
			// It comes while the portal is saving: only the refusal tells the portal of it.
			let isFirst = true;
			await page.route(/\/batch\/webhooks\/[^/]+$/, async (route) => {
				if (route.request().method() !== "PATCH" || !isFirst) return route.fallback();
				isFirst = false;
				await webhooks.update(id, theirs);
				return route.continue();
			});
			await page.getByRole("button", { name: "Save" }).click();
			const group = page.getByRole("group", { name: "Name" });
			await group.getByText("Theirs", { exact: true }).waitFor();
			expect(await page.getByRole("textbox", { name: "Name" }).inputValue()).toBe("Mine");
			expect(await page.getByRole("textbox", { name: "Address" }).inputValue()).toBe(`${receiver.url}/theirs`);
			expect(await axeFindings(page)).toEqual([]);
			await group.getByRole("button", { name: "Keep mine" }).click();
			await page.getByRole("button", { name: "Save" }).click();
			await page.getByText("✓ Saved").waitFor();
			expect(await webhooks.get(id)).toMatchObject({ name: "Mine", endpoint: `${receiver.url}/theirs` });
		});

		it("says of a refused save that it is to be made again, if somebody else has changed nothing that is shown", async () => {
			const { id } = await endpointOf("overtaken", "Before");
			await using tab = await open({ customerId: "overtaken" }, { path: `endpoints/${id}?view=settings` });
			const { page } = tab;
			await page.getByLabel("Name").fill("Mine");
			const { webhooks } = world.server.project.batch;
			let isFirst = true;
			await page.route(/\/batch\/webhooks\/[^/]+$/, async (route) => {
				if (route.request().method() !== "PATCH" || !isFirst) return route.fallback();
				isFirst = false;
				await webhooks.update(id, { spec: { description: "Of somebody else" } });
				return route.continue();
			});
			await page.getByRole("button", { name: "Save" }).click();
			await page.getByRole("alert").getByText("Save again.").waitFor();
			await page.getByRole("button", { name: "Save" }).click();
			await page.getByText("✓ Saved").waitFor();
			expect(await webhooks.get(id)).toMatchObject({ name: "Mine", description: "Of somebody else" });
		});

		it("takes a save for made whose answer was lost, and that is refused when it is made again", async () => {
			const { id } = await endpointOf("lost-save", "Before");
			await using tab = await open({ customerId: "lost-save" }, { path: `endpoints/${id}?view=settings` });
			const { page } = tab;
			await page.getByLabel("Name").fill("Mine");
			const call = await hold(page, "PATCH", /\/batch\/webhooks\//);
			await page.getByRole("button", { name: "Save" }).click();
			await call.made;
			await call.lose();
			await page.getByText("✓ Saved").waitFor();
			expect(await page.getByRole("alert").count()).toBe(0);
			expect(await world.server.project.batch.webhooks.get(id)).toMatchObject({ name: "Mine" });
		});

		it("says that it is not known whether an endpoint was added, if the answer was lost", async () => {
			await using tab = await open({ customerId: "unknown" }, { path: "add" });
			const { page } = tab;
			await page.getByLabel("Address").fill(`${receiver.url}/unknown`);
			await page.route(/\/batch\/webhooks$/, async (route) => {
				if (route.request().method() !== "POST") return route.fallback();
				await route.fetch();
				return route.abort();
			});
			await page.getByRole("button", { name: "Add and test" }).click();
			await page.getByText("It is not known whether it was done.").waitFor();
			expect(await axeFindings(page)).toEqual([]);
		});

		it("shows everything and changes nothing with a session that only reads", async () => {
			receiver.script(({ path }) => (path === "/reader" ? { status: 503 } : {}));
			const { id } = await endpointOf("reader", "Shop", "/reader");
			await sent("reader", "Failed");
			await using tab = await open({ customerId: "reader", capabilities: [] }, { path: `endpoints/${id}` });
			const { page } = tab;
			await page.getByText("You can look at everything here, but change nothing.").waitFor();
			await page.getByRole("link", { name: "order.paid" }).click();
			await page.getByText("What to do: Look into its log at this time.").waitFor();
			expect(await page.getByRole("button").allTextContents()).toEqual([]);
			expect(await page.getByText("12345678901").count()).toBe(0);
			await page.getByRole("link", { name: "Events" }).click();
			await page.getByText("Somebody has paid an order.").waitFor();
		});

		it("shows the examples of event types with all digits of their numbers", async () => {
			const shown = '{\n  "orderId": 98765432109876543210,\n  "total": 12.50\n}';
			await using tab = await open({ customerId: "reads-examples" });
			const { page } = tab;
			const example = page.getByRole("region", { name: "Example: order.paid" });
			await page.getByRole("link", { name: "Events" }).click();
			await page.getByText("Example", { exact: true }).click();
			expect(await example.innerText()).toBe(shown);
			await page.getByRole("link", { name: "Endpoints" }).first().click();
			await page.getByRole("link", { name: "Add endpoint" }).click();
			await page.getByLabel("Only these").check();
			await page.getByText("Example", { exact: true }).click();
			expect(await example.innerText()).toBe(shown);
		});

		it("shows nothing of another customer at any address, whatever ids it has", async () => {
			receiver.script(({ path }) => (path === "/victim" ? { status: 500, body: "Secret answer" } : {}));
			const { id: webhookId } = await endpointOf("victim", "Secret name", "/victim");
			const { id: deliveryId, eventId } = await sent("victim", "Failed");
			await endpointOf("attacker", "Own name");
			await sent("attacker", "Succeeded");
			await using tab = await open({ customerId: "attacker" });
			const { page } = tab;
			await page.getByRole("link", { name: "Own name" }).waitFor();
			const answers: string[] = [];
			page.on(
				"response",
				(response) =>
					void response.text().then(
						(text) => answers.push(text),
						() => {},
					),
			);
			const tried = [
				[
					"/endpoints/$webhookId",
					[webhookId, `${webhookId}?view=settings`, `${webhookId}?show=failed`, deliveryId, eventId],
				],
				["/deliveries/$deliveryId", [deliveryId, `${deliveryId}?from=all`, webhookId, eventId, "x"]],
				["/deliveries", [`?endpoint=${webhookId}`, `?endpoint=${deliveryId}&show=failed`, "?endpoint=x"]],
			] as const;
			for (const [route, ids] of tried) {
				for (const id of ids) {
					const path = route.includes("$") ? route.replace(/\$\w+/, id) : `${route}${id}`;
					await page.goto(`${world.server.url}/portal${path}`);
					await page.getByRole("heading", { name: "This page does not exist" }).waitFor();
					const shown = await page.locator("body").innerText();
					for (const secret of ["Secret", "order.paid", "500"]) expect([path, shown]).not.toContain(secret);
				}
			}
			// No call was answered with anything of theirs either.
			for (const text of answers)
				for (const one of ["Secret name", "Secret answer", "12345678901"]) expect(text).not.toContain(one);
			// A route that is added must be tried here.
			const router = readFileSync(new URL("router.tsx", import.meta.url), "utf8");
			const routes = [...router.matchAll(/(?:path: |route\()"([^"]+)"/g)].map(([, path]) => path);
			const without = ["/", "/add", "/events", "/none"];
			expect(new Set([...tried.map(([route]) => route), ...without])).toEqual(new Set([...routes, "/none"]));
			await page.goto(`${world.server.url}/portal/none`);
			await page.getByRole("heading", { name: "This page does not exist" }).waitFor();
		});

		it("lists the deliveries to all endpoints, filtered, by keyboard, and leads back to the list as it was", async () => {
			receiver.script(({ path }) => (path === "/list-b" ? { status: 503 } : {}));
			await using tab = await open({ customerId: "list" });
			const { page } = tab;
			await page.getByRole("link", { name: "Deliveries" }).click();
			await page.getByRole("heading", { name: "No deliveries yet." }).waitFor();
			await page.getByRole("link", { name: "Add endpoint" }).waitFor();
			await endpointOf("list", "Shop A", "/list-a");
			const { id } = await endpointOf("list", "Shop B", "/list-b");
			for (const type of ["order.paid", "order.refunded"]) {
				const event = await world.server.project.events.send({ type, data: {}, customerId: "list" });
				const done = async () =>
					(await world.server.project.deliveries.list({ eventId: event.id })).data
						.map(({ status }) => status)
						.toSorted();
				await expect.poll(done).toEqual(["Failed", "Succeeded"]);
			}
			await page.reload();
			const rows = page.getByRole("region", { name: "Deliveries" }).getByRole("listitem");
			await expect.poll(() => rows.count()).toBe(4);
			await page.getByLabel("Event").selectOption("order.refunded");
			await expect.poll(() => rows.count()).toBe(2);
			await page.getByLabel("Endpoint").selectOption("Shop B");
			await page.getByRole("button", { name: "Failed" }).click();
			await page.getByLabel("Time").selectOption("Last hour");
			await expect.poll(() => rows.count()).toBe(1);
			expect(Object.fromEntries(new URL(page.url()).searchParams)).toEqual({
				type: "order.refunded",
				endpoint: id,
				show: "failed",
				since: "hour",
			});
			await page.reload();
			await page.getByRole("button", { name: "Retry 1 failed" }).waitFor();
			await page.getByRole("button", { name: "Delivered" }).click();
			await page.getByText("No deliveries match.").waitFor();
			await page.getByRole("button", { name: "Show all" }).click();
			await expect.poll(() => rows.count()).toBe(4);
			await page.getByRole("button", { name: "Failed" }).click();
			await expect.poll(() => rows.count()).toBe(2);
			// From the first row by the arrows to the second, and into it.
			const links = rows.getByRole("link");
			await links.first().focus();
			await page.keyboard.press("ArrowDown");
			expect(await links.nth(1).evaluate((link) => link === document.activeElement)).toBe(true);
			await page.keyboard.press("Enter");
			await page.getByRole("heading", { name: "order.paid" }).waitFor();
			await page.getByRole("link", { name: "Shop B" }).waitFor();
			await page.getByRole("link", { name: "Back to Deliveries" }).click();
			receiver.script(() => ({}));
			await page.getByRole("button", { name: "Retry 2 failed" }).click();
			await page.getByText("Send 2 failed deliveries again?").waitFor();
			await page.getByRole("group", { name: "Retry 2 failed" }).getByRole("button", { name: "Retry 2 failed" }).click();
			await page.getByText("2 deliveries are sent again.").waitFor();
			const arrived = { customerId: "list", status: "Succeeded" } as const;
			await expect.poll(async () => (await world.server.project.deliveries.count(arrived)).count).toBe(4);
		});

		it("shows by itself that its session was revoked, and the way back", async () => {
			await endpointOf("revoked", "Shop");
			await using tab = await open({ customerId: "revoked", returnUrl: "https://app.example.com/account" });
			const { page } = tab;
			await page.getByRole("link", { name: "Shop" }).waitFor();
			await portalSessions().revokeAll({ customerId: "revoked" });
			await page.getByRole("heading", { name: "Your session has ended" }).waitFor();
			const back = page.getByRole("link", { name: "Back to app.example.com" });
			expect(await back.getAttribute("href")).toBe("https://app.example.com/account");
			expect(await page.getByText("Shop").count()).toBe(0);
			expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
		});

		it("speaks the reader's language, and keeps the one that the address names", async () => {
			receiver.script(() => ({}));
			const { id } = await endpointOf("german", "Laden");
			await sent("german", "Succeeded");
			await using tab = await open({ customerId: "german" }, { locale: "de-DE", size: { width: 320, height: 700 } });
			const { page } = tab;
			await page.getByRole("heading", { name: "Endpunkte" }).waitFor();
			expect(await page.evaluate(() => document.documentElement.lang)).toBe("de-DE");
			await page.getByRole("link", { name: "Laden" }).click();
			await page.getByText("In Ordnung. Die letzte Zustellung kam an.").waitFor();
			expect(await overflow(page)).toBe(0);
			await page.getByRole("link", { name: "Zustellungen" }).first().click();
			await page.getByLabel("Endpunkt").selectOption("Laden");
			await page.getByRole("link", { name: "order.paid" }).waitFor();
			expect(await overflow(page)).toBe(0);
			await page.goto(`${world.server.url}/portal/endpoints/${id}?lang=en`);
			await page.getByText("It works. The last delivery arrived.").waitFor();
			await page.getByRole("link", { name: "order.paid" }).click();
			await page.getByText("It arrived").waitFor();
			expect(new URL(page.url()).searchParams.get("lang")).toBe("en");
		});

		it.each([
			["light", 320],
			["dark", 900],
		] as const)(
			"holds its layout from right to left, in a language made for that (%s, %i pixels)",
			async (scheme, width) => {
				receiver.script(({ path }) => (path === "/rtl" ? { status: 500, body: "broken" } : {}));
				const customerId = `rtl-${width}`;
				const { id } = await endpointOf(customerId, "Shop", "/rtl");
				const delivery = await sent(customerId, "Failed");
				await using tab = await open({ customerId }, { scheme, size: { width, height: 800 }, path: "?lang=ar-XB" });
				const { page } = tab;
				for (const path of [
					"",
					"add",
					`endpoints/${id}`,
					`endpoints/${id}?view=settings`,
					"deliveries",
					`deliveries/${delivery.id}`,
					"events",
				]) {
					const url = new URL(path, `${world.server.url}/portal/`);
					url.searchParams.set("lang", "ar-XB");
					await page.goto(url.href);
					await page.locator("h1").waitFor();
					await expect.poll(() => page.locator(".shimmer").count()).toBe(0);
					expect(await page.evaluate(() => document.documentElement.dir)).toBe("rtl");
					expect([path, await overflow(page)]).toEqual([path, 0]);
					expect([path, await outside(page)]).toEqual([path, []]);
					expect([path, await axeFindings(page)]).toEqual([path, []]);
					const [title, nav] = [await page.locator("h1").boundingBox(), await page.locator(".places").boundingBox()];
					expect([path, await leftRows(page)]).toEqual([path, []]);
					// Lines begin at the right.
					expect([path, (nav?.x ?? 0) + (nav?.width ?? 0) > width / 2]).toEqual([path, true]);
					expect([path, (title?.x ?? 0) + (title?.width ?? 0) > width / 2]).toEqual([path, true]);
				}
			},
		);

		it.each(["en", "de"])("has all places side by side on a phone (%s)", async (lang) => {
			await using tab = await open(
				{ customerId: "phone" },
				{ size: { width: 360, height: 760 }, path: `?lang=${lang}` },
			);
			const places = tab.page.locator(".places a");
			await places.first().waitFor();
			const tops = await places.evaluateAll((all) => all.map((one) => one.getBoundingClientRect().top));
			expect([tops.length, new Set(tops).size]).toEqual([3, 1]);
		});

		it.each(["light", "dark"] as const)(
			"has nothing that axe objects to, and fits into 320 pixels (%s)",
			async (scheme) => {
				receiver.script(({ path }) => (path === "/axe" ? { status: 500, body: "broken" } : {}));
				const customerId = `axe-${scheme}`;
				const { id } = await endpointOf(customerId, "Shop", "/axe");
				const delivery = await sent(customerId, "Failed");
				const theme = { accent: scheme === "light" ? "#f2c200" : "#0a7d55", radius: 20 };
				await using tab = await open({ customerId, theme }, { scheme, size: { width: 320, height: 800 } });
				for (const [path, ready] of [
					["", "Shop is failing."],
					["add", "Add and test"],
					[`endpoints/${id}`, "There was"],
					[`endpoints/${id}?view=settings`, "Delete this endpoint"],
					[`deliveries/${delivery.id}`, "What was sent"],
					["deliveries", "Your server had an error."],
					["events", "Somebody has paid an order."],
				] as const) {
					if (path !== "") await tab.page.goto(`${world.server.url}/portal/${path}`);
					if (ready !== "There was") await tab.page.getByText(ready).first().waitFor();
					else await tab.page.getByRole("link", { name: "order.paid" }).waitFor();
					expect([path, await overflow(tab.page)]).toEqual([path, 0]);
					expect([path, await axeFindings(tab.page)]).toEqual([path, []]);
				}
			},
		);

		describe("in a frame", () => {
			beforeAll(() => {
				pages.on("request", (request, response) => {
					const host = request.url === "/other" ? "http://127.0.0.1:1" : HOST;
					response.setHeader("content-type", "text/html");
					response.end(hostPage(`${world.server.url}/portal/?host=${encodeURIComponent(host)}`));
				});
			});

			async function embed(path = "/", prepare: (page: Page) => Promise<unknown> = async () => {}) {
				const person = await world.browser.person();
				const page = await person.tab("about:blank");
				await prepare(page);
				await page.goto(`${HOST}${path}`);
				return {
					page,
					frame: page.locator("iframe").first().contentFrame(),
					[Symbol.asyncDispose]: () => person[Symbol.asyncDispose](),
				};
			}
			const send = (page: Page, message: object) => page.evaluate((message) => window.send(message), message);
			const messages = (page: Page, kind: string) =>
				page.evaluate((kind) => window.received.filter((message) => message.kind === kind), kind);

			it("takes token, look and language from the page around, and says how high it is", async () => {
				await endpointOf("framed", "Shop");
				const { token } = await portalSessions().create({ customerId: "framed", capabilities: ALL });
				await using tab = await embed();
				await expect.poll(() => messages(tab.page, "ready")).toHaveLength(1);
				const theme = {
					accent: "#aa0000",
					background: "#101418",
					font: "x; background: url(//evil.example)",
					radius: 3,
				};
				await send(tab.page, { kind: "session", token, theme, locale: "de", timeZone: "Asia/Tokyo" });
				await tab.frame.getByRole("heading", { name: "Endpunkte" }).waitFor();
				await expect.poll(() => styleOf(tab.frame)).toMatchObject({ background: "rgb(16, 20, 24)", scheme: "dark" });
				await send(tab.page, { kind: "theme", theme: { background: "#ffffff" } });
				await expect
					.poll(() => styleOf(tab.frame))
					.toMatchObject({ background: "rgb(255, 255, 255)", scheme: "light" });
				await expect
					.poll(async () => (await messages(tab.page, "resize")).at(-1))
					.toMatchObject({ source: "fanfare-portal", version: 1, height: expect.any(Number) });
			});

			it("asks the page around for another token when its own has ended, and keeps what was typed", async () => {
				const first = await portalSessions().create({ customerId: "renewed", capabilities: ALL });
				await using tab = await embed();
				await expect.poll(() => messages(tab.page, "ready")).toHaveLength(1);
				await send(tab.page, { kind: "session", token: first.token });
				await tab.frame.getByRole("link", { name: "Add endpoint" }).click();
				await tab.frame.getByLabel("Address").fill("https://example.com/typed");
				await portalSessions().revoke(first.id);
				await expect.poll(() => messages(tab.page, "expired")).toHaveLength(1);
				const second = await portalSessions().create({ customerId: "renewed", capabilities: ALL });
				await send(tab.page, { kind: "session", token: second.token });
				await tab.frame.getByText("It is being renewed").waitFor({ state: "detached" });
				await expect.poll(() => tab.frame.getByLabel("Address").inputValue()).toBe("https://example.com/typed");
				await send(tab.page, { kind: "session", token: "ps_unknown" });
				await expect.poll(() => messages(tab.page, "expired")).toHaveLength(2);
			});

			it("says that the session has ended if no token comes within ten seconds, and takes one that comes later", async () => {
				const first = await portalSessions().create({ customerId: "late", capabilities: ALL });
				await using tab = await embed("/", (page) => page.clock.install());
				await expect.poll(() => messages(tab.page, "ready")).toHaveLength(1);
				await send(tab.page, { kind: "session", token: first.token });
				await tab.frame.getByRole("heading", { name: "No endpoints yet" }).waitFor();
				await portalSessions().revoke(first.id);
				await tab.frame.getByText("It is being renewed").waitFor();
				await tab.page.clock.fastForward(10_000);
				await tab.frame.getByRole("heading", { name: "Your session has ended" }).waitFor();
				const second = await portalSessions().create({ customerId: "late", capabilities: ALL });
				await send(tab.page, { kind: "session", token: second.token });
				await tab.frame.getByRole("heading", { name: "No endpoints yet" }).waitFor();
			});

			it("listens to nobody but the page around it, and only if that is of the origin it was told", async () => {
				const { token } = await portalSessions().create({ customerId: "deaf", capabilities: ALL });
				const message = { source: "fanfare-portal", version: 1, kind: "session", token };
				for (const [path, say] of [
					["/other", (page: Page) => send(page, message)],
					["/", (page: Page) => page.evaluate((message) => window.sendFromAnotherFrame(message), message)],
				] as const) {
					await using tab = await embed(path);
					await tab.frame.getByText("Connecting…").waitFor();
					const calls: string[] = [];
					tab.page.on("request", (request) => calls.push(new URL(request.url()).pathname));
					const inFrame = tab.frame.locator("html");
					const heard = inFrame.evaluate(
						() => new Promise<boolean>((resolve) => addEventListener("message", () => resolve(true), { once: true })),
					);
					// The listener is there when a later call into the frame is answered.
					await inFrame.evaluate(() => true);
					await say(tab.page);
					expect(await heard).toBe(true);
					// A call of the portal would come before this one.
					await inFrame.evaluate(async () => (await fetch("/healthz")).ok);
					await expect.poll(() => calls).toContain("/healthz");
					expect(calls.filter((call) => call.startsWith("/workspace"))).toEqual([]);
				}
			});
		});
	},
	{
		env: { FANFARE_ALLOW_FOR_CUSTOMERS: "true", FANFARE_PORTAL_ORIGINS: HOST, FANFARE_EGRESS_ADDRESSES: "203.0.113.7" },
	},
);

/** By how many pixels the page is wider than its window. */
function overflow(page: Page): Promise<number> {
	return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** What is cut off at a side of the window, or of the part that it is in. */
function outside(page: Page): Promise<string[]> {
	return page.evaluate(() => {
		const texts = [
			...document.querySelectorAll<HTMLElement>("h1, h2, p, a, button, select, input, label, .badge, time"),
		];
		return texts
			.filter((element) => !element.matches(".skip, .cut, [hidden]") && element.checkVisibility())
			.filter((element) => {
				const { left, right } = element.getBoundingClientRect();
				return left < -0.5 || right > document.documentElement.clientWidth + 0.5;
			})
			.map((element) => `${element.tagName} ${element.className} ${element.textContent}`);
	});
}

/** The texts of rows that do not begin at the right. */
function leftRows(page: Page): Promise<string[]> {
	return page.evaluate(() =>
		[...document.querySelectorAll<HTMLElement>(".row-main > *")]
			.filter((part) => {
				const range = document.createRange();
				range.selectNodeContents(part);
				const side = part.parentElement?.getBoundingClientRect().right ?? 0;
				return Math.abs(side - range.getBoundingClientRect().right) > 2;
			})
			.map((part) => part.textContent ?? ""),
	);
}

function styleOf(frame: FrameLocator) {
	return frame.locator("html").evaluate((html) => ({
		background: getComputedStyle(html).backgroundColor,
		scheme: html.dataset["scheme"],
		font: getComputedStyle(document.body).fontFamily,
	}));
}

/** A page of a product, which keeps what the portal says. */
function hostPage(src: string): string {
	return `<!doctype html><title>Shop</title><iframe src="${src}" style="width: 100%; height: 700px"></iframe>
<script>
	const frame = document.querySelector("iframe");
	window.received = [];
	addEventListener("message", ({ source, data }) => source === frame.contentWindow && received.push(data));
	window.send = (message) => frame.contentWindow.postMessage({ source: "fanfare-portal", version: 1, ...message }, new URL(frame.src).origin);
	window.sendFromAnotherFrame = (message) => {
		const other = document.createElement("iframe");
		document.body.append(other);
		other.contentWindow.eval("parent.frames[0].postMessage(" + JSON.stringify(message) + ", '*')");
	};
</script>`;
}

declare global {
	interface Window {
		readonly received: readonly { readonly kind: string }[];
		readonly send: (message: object) => void;
		readonly sendFromAnotherFrame: (message: object) => void;
	}
}
