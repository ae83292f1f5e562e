// The pictures of the page: each of its screens, in a project as a product would have it.
import { startDemoWorld, type DemoWorld } from "@fanfare/testkit/browser/demo-world";
import type { Page } from "playwright-core";

import type { Gallery } from "./gallery.ts";

/** Wider windows are no phones. */
const PHONE_PX = 600;

interface Shot {
	readonly name: string;
	/** Below the project, such as `webhooks`; below the page if it begins with `/`. */
	readonly path: (world: DemoWorld) => string | Promise<string>;
	/** Leads to the state to show. */
	readonly act?: (page: Page, world: DemoWorld) => Promise<void>;
	/** Whether a phone has no room for it. */
	readonly isWide?: true;
	/** The text that is there when the screen is complete. */
	readonly ready: string;
}

const SHOTS: readonly Shot[] = [
	{ name: "overview", path: () => "", ready: "Needs attention" },
	{ name: "webhook", path: (world) => `webhooks/${world.webhook("Billing").id}`, ready: "Latest deliveries" },
	{
		name: "webhook-settings",
		path: (world) => `webhooks/${world.webhook("Billing").id}?tab=settings`,
		ready: "Disabled after",
	},
	{
		name: "webhook-history",
		path: (world) => `webhooks/${world.webhook("Globex ERP").id}?tab=history`,
		ready: "What was changed",
	},
	{
		name: "webhook-secret",
		path: (world) => `webhooks/${world.webhook("Billing").id}?tab=secret`,
		ready: "Verify what",
	},
	{ name: "deliveries", path: () => "deliveries?status=Failed", ready: "invoice.created" },
	{
		name: "deliveries-filters",
		path: () => "deliveries?status=Failed",
		act: async (page) => {
			const filters = page.getByRole("button", { name: "Filters", exact: true });
			if (await filters.isVisible()) await filters.click();
			await page.getByRole("button", { name: "More filters" }).click();
			await page.getByRole("dialog", { name: "More filters" }).getByLabel("Error").waitFor();
		},
		ready: "invoice.created",
	},
	{
		name: "deliveries-export",
		path: () => "deliveries?status=Failed",
		act: async (page) => {
			await page.getByRole("button", { name: "Export…" }).click();
			await page.getByRole("button", { name: /^Export \d/ }).waitFor();
		},
		ready: "invoice.created",
	},
	{
		name: "deliveries-split",
		isWide: true,
		path: () => "deliveries?status=Failed",
		act: async (page) => {
			await page.getByRole("link", { name: "invoice.created" }).first().click();
			await page.getByText("Headers of the response").waitFor();
			await page.getByText("Others that failed for the same cause").waitFor();
			await page.getByRole("button", { name: "Copy as curl" }).waitFor();
		},
		ready: "invoice.created",
	},
	{ name: "delivery-missing", path: () => "deliveries/dlv_00000000-0000-4000-8000-000000000000", ready: "could not" },
	{
		name: "failure",
		path: () => "system",
		act: async (page) => {
			const code = /\/system-[^/]*\.js$/;
			await page.route(code, (route) => route.abort());
			await page.reload();
			await page.getByText("This could not be shown").waitFor();
			await page.unroute(code);
		},
		ready: "Limits of the server",
	},
	{ name: "not-found", path: () => "nowhere", ready: "There is no such page" },
	{
		name: "delivery",
		path: async ({ server, webhook }) => {
			const { data } = await server.project.deliveries.list({
				webhookId: webhook("Billing").id,
				status: "Failed",
				limit: 1,
			});
			return `deliveries/${data[0]?.id}`;
		},
		act: async (page) => {
			// What comes last.
			await page.getByText("Others that failed for the same cause").waitFor();
			await page.getByRole("button", { name: "Copy as curl" }).waitFor();
			await page.getByRole("link", { name: "Billing" }).waitFor();
		},
		ready: "Headers of the response",
	},
	{
		name: "webhooks",
		path: () => "webhooks",
		act: (page) =>
			page
				.getByRole("img", { name: /in 24 hours/ })
				.nth(6)
				.waitFor(),
		ready: "Warehouse",
	},
	{ name: "webhooks-new", path: () => "webhooks?form=new", ready: "Endpoint URL" },
	{ name: "events", path: () => "events", ready: "order.paid" },
	{
		name: "event",
		path: async ({ server: { project } }) => {
			const { data } = await project.events.list({ type: "order.paid", limit: 1 });
			return `events/${data[0]?.id}`;
		},
		ready: "Idempotency key",
	},
	{
		name: "event-why",
		path: async ({ server: { project } }) => {
			const { data } = await project.events.list({ type: "user.created", limit: 1 });
			return `events/${data[0]?.id}`;
		},
		act: async (page) => {
			await page.getByText("Why did a webhook get nothing?").click();
			await page.getByRole("table", { name: "Why webhooks got it or not" }).scrollIntoViewIfNeeded();
		},
		ready: "Idempotency key",
	},
	{ name: "keys", path: () => "keys", ready: "Whole workspace" },
	{ name: "keys-new", path: () => "keys?form=new", ready: "Expires" },
	{ name: "event-types", path: () => "event-types", ready: "order.paid" },
	{ name: "event-type", path: () => "event-types/order.paid", ready: "Who wants it" },
	{ name: "replays", path: () => "replays", ready: "Finished" },
	{
		name: "replays-new",
		path: ({ webhook }) => `replays/new?webhook=${webhook("Billing").id}`,
		ready: "Show as a table",
	},
	{
		name: "replay",
		path: async ({ server: { project } }) => `replays/${(await project.replays.list()).data[0]?.id}`,
		ready: "Events looked at",
	},
	{ name: "customers", path: () => "customers", ready: "Acme Inc." },
	{ name: "customer", path: () => "customers/acme", ready: "All their deliveries" },
	{ name: "settings", path: () => "settings", ready: "no quota of its own" },
	{ name: "system", path: () => "system", ready: "Limits of the server" },
	{ name: "audit", path: () => "audit", ready: "event type" },
	{ name: "events-send", path: () => "events/send?type=order.paid", ready: "webhooks" },
	// Adds a webhook.
	{
		name: "inbox",
		path: () => "inbox",
		act: async (page) => {
			await page.getByRole("button", { name: "Open the Inbox" }).click();
			await page.getByRole("button", { name: "Send test.hello" }).click();
			await page.getByText("Signature verified").waitFor();
		},
		ready: "Event types",
	},
	// Adds projects.
	{
		name: "first-steps",
		path: async ({ server }) => `/${(await server.client.projects.create({ name: "Shop staging" })).id}/`,
		ready: "Three steps",
	},
	{
		name: "projects",
		path: async ({ server }) => {
			await server.client.projects.create({ name: "Backoffice" });
			return "/";
		},
		ready: "Backoffice",
	},
];

/** What the browser says of the code that the picture of a failure keeps back. */
const isOfFailure = (problem: string) => problem.includes("Failed to fetch dynamically imported module");

/** Takes the pictures of the page that the gallery wants. */
export async function takePageShots(gallery: Gallery): Promise<void> {
	const shots = SHOTS.filter(({ name }) => gallery.wants(name));
	const isSignInWanted = gallery.wants("sign-in");
	if (shots.length === 0 && !isSignInWanted) return;
	await gallery.inEachForm(async (person, take) => {
		// A new one for each form, so that all of them show the same.
		await using world = await startDemoWorld();
		const page = await person.tab(`${world.server.url}/ui/`);
		await page.getByLabel("API key").waitFor();
		if (isSignInWanted) await take(page, "sign-in");
		await page.getByLabel("API key").fill(world.server.key);
		await page.getByRole("button", { name: "Sign in" }).click();
		await page.locator("#content").waitFor();
		const isPhone = (page.viewportSize()?.width ?? 0) < PHONE_PX;
		for (const { name, path, act, ready } of shots.filter(({ isWide }) => !isPhone || isWide !== true)) {
			const below = await path(world);
			await page.goto(`${world.server.url}/ui${below.startsWith("/") ? "" : `/${world.server.projectId}/`}${below}`);
			await page.getByText(ready).filter({ visible: true }).first().waitFor();
			await act?.(page, world);
			await take(page, name);
		}
	}, isOfFailure);
}
