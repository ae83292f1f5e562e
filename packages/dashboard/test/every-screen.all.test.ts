// Every screen of the page in every state that it can be in: nothing that axe objects to in light or dark colours, and nothing cut off.
import { readFileSync } from "node:fs";

import { axeFindings } from "@fanfare/testkit/browser/axe";
import type { Page, Route } from "playwright-core";
import { beforeAll, expect, it } from "vitest";

import { follow, overflowOf, pageSuite, type World } from "./suite.ts";

/** All rules that axe has, or those that depend on the colours. Trying all takes twice as long. */
const ALL = undefined;
const COLORS = ["color-contrast"] as const;
/** Each scheme once, and each width once: colours do not depend on the width, and nothing but colours depends on the scheme. */
const FORMS = [
	["dark", 360, ALL],
	["light", 1_280, COLORS],
] as const;
/** For the state that people see most. */
const MORE_FORMS = [
	["dark", 360, ALL],
	["light", 1_280, ALL],
] as const;

/** The narrowest windows in which tables are no cards, in which the navigation is beside them, and in which they have all columns. */
const TABLE_WIDTHS = [849, 1_089, 1_280] as const;

/** An id for each part of an address. */
type Parts = Readonly<Record<"webhookId" | "deliveryId" | "eventId" | "replayId" | "customerId" | "name", string>>;

/** Ids of which there is nothing. */
const NOTHING: Parts = {
	webhookId: "webhook_00000000-0000-4000-8000-000000000000",
	deliveryId: "dlv_00000000-0000-4000-8000-000000000000",
	eventId: "evt_00000000-0000-4000-8000-000000000000",
	replayId: "replay_00000000-0000-4000-8000-000000000000",
	customerId: "nobody",
	name: "none.such",
};

/** The screens that load nothing before somebody does something. */
const LOADS_NOTHING = new Set(["inbox"]);
/** What buttons and links of changes begin with. */
const CHANGES =
	/^(Add|Archive|Cancel|Close the|Create|Delete|Edit|End|Erase|Make|Open the Inbox|Pause|Replace|Replay|Resume|Retry|Roll|Save|Send|Start|Stop)\b/;

/** The addresses below a project, as the router has them. One that is added is tried here. */
function addresses(parts: Parts): readonly string[] {
	const router = readFileSync(new URL("../src/app/router.tsx", import.meta.url), "utf8");
	const paths = [...router.matchAll(/=> projectRoute,\n\tpath: "([^"]+)"/g)].map(([, path]) => path!);
	return paths.map((path) =>
		path
			.replace(/^\//, "")
			.replaceAll(/\$(\w+)/g, (part, name: string) => (parts as Readonly<Record<string, string>>)[name] ?? part),
	);
}

/** What there is in the demo. */
async function demoParts({ server: { project } }: World): Promise<Parts> {
	const { data: webhooks } = await project.batch.webhooks.list();
	const [delivery] = (await project.deliveries.list({ status: "Failed", cause: "status_5xx", limit: 1 })).data;
	const [replay] = (await project.replays.list()).data;
	const webhook = webhooks.find(({ name }) => name === "Billing");
	if (delivery === undefined || replay === undefined || webhook === undefined)
		throw new Error("the demo lacks something");
	const { id: deliveryId, eventId } = delivery;
	return { webhookId: webhook.id, deliveryId, eventId, replayId: replay.id, customerId: "acme", name: "order.paid" };
}

/** What else the addresses of screens say. */
function states({ webhookId, deliveryId }: Parts): readonly string[] {
	const tabs = ["settings", "secret", "history"].map((tab) => `webhooks/${webhookId}?tab=${tab}`);
	return [...tabs, `deliveries?open=${deliveryId}`, "audit?of=workspace", "events?type=none.such", "audit?object=none"];
}

/** Whether it is one of the calls that fill a screen. The stream and the question who is signed in are not. */
function isCall({ pathname }: URL): boolean {
	if (pathname.endsWith("/stream") || pathname === "/workspace/key") return false;
	return pathname.startsWith("/projects/") || pathname.startsWith("/workspace");
}

/** A call that the page is about to make. */
interface Call {
	/** Whether it asks where the stream is. A screen waits for it for three seconds before it shows anything. */
	readonly isPosition: boolean;
	pass(): Promise<unknown>;
	answer(status: number, problem: object, headers?: Readonly<Record<string, string>>): Promise<unknown>;
}

/**
 * Decides about each call of the page. A route of Playwright's would turn off the cache of the browser, too: each document would get all scripts
 * anew, and compile them.
 */
async function decide(page: Page, about: (call: Call) => Promise<unknown>): Promise<void> {
	const session = await page.context().newCDPSession(page);
	session.on("Fetch.requestPaused", ({ requestId, request }) => {
		const pass = () => session.send("Fetch.continueRequest", { requestId });
		const { pathname } = new URL(request.url);
		const call: Call = {
			isPosition: pathname.endsWith("/stream/items"),
			pass,
			answer: (status, problem, headers = {}) =>
				session.send("Fetch.fulfillRequest", {
					requestId,
					responseCode: status,
					responseHeaders: Object.entries({ "content-type": "application/json", ...headers }).map(([name, value]) => ({
						name,
						value,
					})),
					body: Buffer.from(JSON.stringify(problem)).toString("base64"),
				}),
		};
		// The page may have left the screen that wanted it.
		(isCall(new URL(request.url)) ? about(call) : pass()).catch(() => {});
	});
	const patterns = ["*://*/projects/*", "*://*/workspace*"].map((urlPattern) => ({ urlPattern }));
	await session.send("Fetch.enable", { patterns });
}

/** What is wrong with a screen, in each of the forms. */
class Look {
	readonly problems: unknown[] = [];
	readonly #page: Page;

	constructor(page: Page) {
		this.#page = page;
	}

	/** Whether tables have room for their columns, at the widths at which they begin to have others. */
	async tablesAt(path: string): Promise<void> {
		const beyond = `[...document.querySelectorAll(".table")].map((table) => [table.ariaLabel, table.scrollWidth - table.clientWidth])`;
		for (const width of TABLE_WIDTHS) {
			await this.#page.setViewportSize({ width, height: 800 });
			for (const [table, px] of await this.#page.evaluate<[string, number][]>(beyond)) {
				if (px > 0) this.problems.push({ path, width, table, px });
			}
		}
	}

	async at(path: string, forms: typeof FORMS | typeof MORE_FORMS = FORMS): Promise<void> {
		const page = this.#page;
		for (const [colorScheme, width, rules] of forms) {
			await page.emulateMedia({ colorScheme });
			await page.setViewportSize({ width, height: 800 });
			await page.locator(`html[data-mantine-color-scheme=${colorScheme}]`).waitFor();
			const findings = await axeFindings(page, rules);
			const beyond = await overflowOf(page);
			if (findings.length > 0 || beyond !== 0) this.problems.push({ path, colorScheme, width, beyond, findings });
		}
	}
}

/** Waits until everything that a screen has asked for is there, or is known to be missing. */
async function settled(page: Page): Promise<void> {
	await page.locator("#content h1").waitFor();
	await expect.poll(() => page.locator(".shimmer").count()).toBe(0);
}

/** Leads to a screen as a link of the page does: a new document would have to get axe anew, too. */
async function leadTo(page: Page, url: string): Promise<void> {
	await page.evaluate(`document.querySelector("#content h1").setAttribute("data-former", "")`);
	await follow(page, url);
	await page.locator("#content h1:not([data-former])").waitFor();
	await settled(page);
}

pageSuite(
	"every screen",
	(world) => {
		let empty = "";
		let parts = NOTHING;
		beforeAll(async () => {
			empty = (await world.server.client.projects.create({ name: "Empty" })).id;
			parts = await demoParts(world);
		});
		const address = (path: string, projectId = world.server.projectId) => `${world.server.url}/ui/${projectId}/${path}`;
		/** The first screen is a document, which leads to the others. */
		const show = async (page: Page, path: string, projectId?: string) => {
			if (path !== "") return leadTo(page, address(path, projectId));
			await page.goto(address(path, projectId));
			await settled(page);
		};

		it("is found in the router", () => {
			expect(addresses(NOTHING).length).toBeGreaterThanOrEqual(20);
			expect(addresses(NOTHING).join()).not.toContain("$");
		});

		it("is accessible while it loads, and has the shape of what comes: the same columns at the same places", async () => {
			const { page } = await world.open("", { size: { width: 1_280, height: 800 } });
			const look = new Look(page);
			let held = Promise.withResolvers<void>();
			await decide(page, async (call) => {
				if (!call.isPosition) await held.promise;
				await call.pass();
			});
			const heads = `[...document.querySelectorAll(".table-head > *")].map((head) => {
				const { top } = head.parentElement.getBoundingClientRect();
				return [head.textContent, Math.round(head.getBoundingClientRect().left), Math.round(top)];
			})`;
			const left = `Math.round(document.querySelector(".delivery > :nth-child(2)").getBoundingClientRect().left)`;
			const shapes = new Map(
				["deliveries", "customers", "event-types", "replays", "audit"].map((path) => [path, heads]),
			);
			// A screen without a list has its cards.
			shapes.set(`deliveries/${parts.deliveryId}`, left);
			for (const path of addresses(parts)) {
				held = Promise.withResolvers<void>();
				await page.goto(address(path));
				await page.locator("#content h1").waitFor();
				await look.at(path);
				const shape = shapes.get(path);
				shapes.delete(path);
				if (shape !== undefined) await page.getByRole("status", { name: /^Loading / }).waitFor();
				const before = shape && (await page.evaluate<unknown>(shape));
				held.resolve();
				await settled(page);
				expect([path, shape && (await page.evaluate(shape))]).toEqual([path, before]);
			}
			expect([...shapes.keys()]).toEqual([]);
			expect(look.problems).toEqual([]);
		});

		it("is accessible when it has nothing, and offers no second try where there will be nothing either", async () => {
			const { page } = await world.open("");
			const look = new Look(page);
			for (const path of addresses(NOTHING)) {
				await show(page, path, empty);
				await look.at(path);
				expect([path, await page.getByRole("button", { name: "Try again" }).count()]).toEqual([path, 0]);
			}
			expect(look.problems).toEqual([]);
		});

		it("is accessible with what a product would have", async () => {
			const { page } = await world.open("");
			const look = new Look(page);
			for (const path of [...addresses(parts), ...states(parts)]) {
				await show(page, path);
				expect([path, await page.getByRole("alert").allTextContents()]).toEqual([path, []]);
				await look.tablesAt(path);
				await look.at(path, MORE_FORMS);
			}
			expect(look.problems).toEqual([]);
		});

		it("is accessible to a key that may only read, and offers it no change", async () => {
			const { projectId, client } = world.server;
			const { secretKey } = await client.keys.create({ name: "Reader", scope: "read", projectId });
			const { page } = await world.open("", { key: secretKey });
			const look = new Look(page);
			for (const path of addresses(parts)) {
				await show(page, path);
				await look.at(path);
				const offered = [
					await page.locator("#content").getByRole("button", { name: CHANGES }).allTextContents(),
					await page.locator("#content").getByRole("link", { name: CHANGES }).allTextContents(),
				];
				expect([path, ...offered]).toEqual([path, [], []]);
			}
			expect(look.problems).toEqual([]);
		});

		it("says what to do when its calls fail, under which id, and tries again", async () => {
			const { page } = await world.open("");
			const look = new Look(page);
			const failures = [
				{ status: 500, code: "internal", message: "Something went wrong inside. Try again." },
				{ status: 503, code: "overloaded", message: "Too many reads. Try again shortly." },
			];
			let failure = failures[0]!;
			let isFailing = true;
			await decide(page, (call) => {
				if (!isFailing) return call.pass();
				const { status, ...problem } = failure;
				const headers = status === 503 ? { "retry-after": "1" } : undefined;
				return call.answer(status, { ...problem, requestId: "req_of_the_failure" }, headers);
			});
			for (const [index, path] of addresses(parts).entries()) {
				failure = failures[index % failures.length]!;
				isFailing = true;
				await page.goto(address(path));
				await settled(page);
				const alerts = page.getByRole("alert");
				if (!LOADS_NOTHING.has(path)) {
					await alerts.getByText(failure.message).first().waitFor();
					await alerts.getByText("req_of_the_failure").first().waitFor();
				}
				await look.at(path);
				isFailing = false;
				// One that has come back may bring others that had to wait for it.
				const again = async () => {
					const button = page.getByRole("button", { name: "Try again" }).first();
					// It may be gone by then, since others try again by themselves.
					if (await button.isVisible()) await button.click({ timeout: 1_000 }).catch(() => {});
					return alerts.count();
				};
				await expect.poll(again, { message: path, interval: 250 }).toBe(0);
				await settled(page);
			}
			expect(look.problems).toEqual([]);
		});

		it("says that the server is away, and loads what is missing when it is back", async () => {
			const { page, person } = await world.open("");
			const look = new Look(page);
			await settled(page);
			let isAway = true;
			const isOfServer = (url: URL) => !url.pathname.startsWith("/ui/");
			await person.context.route(isOfServer, (route: Route) =>
				isAway ? route.abort("connectionrefused") : route.continue(),
			);
			// A document could not be loaded now.
			const goTo = (path: string) => leadTo(page, address(path));
			const banner = page.getByText("The server has not answered since");
			for (const path of addresses(parts).filter((one) => one !== "")) {
				await goTo(path);
				await banner.waitFor();
				await look.at(path);
			}
			await goTo("customers");
			await page.getByRole("alert").getByText("The customers could not be loaded").waitFor();
			isAway = false;
			await page.getByRole("link", { name: "Acme Inc." }).waitFor();
			await expect.poll(() => banner.count()).toBe(0);
			await expect.poll(() => page.getByRole("alert").count()).toBe(0);
			expect(look.problems).toEqual([]);
		});
	},
	{ isDemo: true },
);
