// The pictures of the portal: each of its screens by a link, and in a page of Foodie, the product of examples/portal.
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import type { Capability } from "@fanfare/sdk";
import { eventually } from "@fanfare/testkit/eventually";
import { startReceiver, type Answer } from "@fanfare/testkit/receiver";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import type { FrameLocator, Page } from "playwright-core";

import { Product } from "../../examples/portal/product.ts";
import type { Gallery } from "./gallery.ts";

const CUSTOMER = "acme";
const CAPABILITIES: readonly Capability[] = [
	"webhooks.write",
	"secrets.rotate",
	"payloads.read",
	"deliveries.retry",
	"replay",
];
const EVENTS = 24;

/** What the endpoints of the customer answer, by name. */
const ENDPOINTS: Readonly<Record<string, Answer>> = {
	"Kitchen display": { status: 204 },
	Accounting: { status: 404, body: '{"error":"no such route"}' },
	"Loyalty points": { status: 410, body: "Gone" },
};

interface PortalWorld {
	readonly server: ServerProcess;
	/** The address of Foodie. */
	readonly foodie: string;
	/** An address that answers 204. */
	readonly works: string;
	readonly endpointId: (name: keyof typeof ENDPOINTS) => string;
}

interface Shot {
	readonly name: string;
	/** Below `/portal/`, such as `add`. */
	readonly path: (world: PortalWorld) => string | Promise<string>;
	/** Leads to the state to show. */
	readonly act?: (page: Page, world: PortalWorld) => Promise<unknown>;
	/** The text that is there when the screen is complete. */
	readonly ready: string;
}

const SHOTS: readonly Shot[] = [
	{ name: "portal", path: () => "", ready: "Fix and resume" },
	{ name: "portal-add", path: () => "add", ready: "Add and test" },
	{
		name: "portal-added",
		path: () => "add",
		act: async (page, { works }) => {
			await page.getByLabel("Address").fill(works);
			await page.getByRole("button", { name: "Add and test" }).click();
			await page.getByText("It works").waitFor();
			await page.locator("h1").scrollIntoViewIfNeeded();
		},
		ready: "Add and test",
	},
	{ name: "portal-endpoint", path: ({ endpointId }) => `endpoints/${endpointId("Accounting")}`, ready: "Retry" },
	{ name: "portal-disabled", path: ({ endpointId }) => `endpoints/${endpointId("Loyalty points")}`, ready: "Resume" },
	{
		name: "portal-settings",
		path: ({ endpointId }) => `endpoints/${endpointId("Kitchen display")}?view=settings`,
		ready: "Replace the secret",
	},
	{ name: "portal-deliveries", path: () => "deliveries", ready: "order.placed" },
	{
		name: "portal-delivery",
		path: async ({ server, endpointId }) => {
			const filter = { webhookId: endpointId("Accounting"), status: "Failed", limit: 1 } as const;
			return `deliveries/${(await server.project.deliveries.list(filter)).data[0]?.id}`;
		},
		ready: "What was sent",
	},
	{ name: "portal-event-types", path: () => "events", ready: "A guest has placed an order." },
];

/** Takes the pictures of the portal that the gallery wants. */
export async function takePortalShots(gallery: Gallery): Promise<void> {
	const shots = SHOTS.filter(({ name }) => gallery.wants(name));
	const isEmbedded = gallery.wants("portal-embedded");
	if (shots.length === 0 && !isEmbedded) return;
	await using opened = new AsyncDisposableStack();
	const world = await startPortalWorld(opened);
	const isExpected = (problem: string) => problem === `request to another host: ${new URL(world.foodie).host}`;
	await gallery.inEachForm(async (person, take, scheme) => {
		const { url } = await world.server.project.portalSessions.create({
			customerId: CUSTOMER,
			capabilities: [...CAPABILITIES],
			returnUrl: "https://app.example.com/account",
		});
		const page = await person.tab(url);
		for (const { name, path, act, ready } of shots) {
			await page.goto(`${world.server.url}/portal/${await path(world)}`);
			await shown(page, ready);
			await act?.(page, world);
			await take(page, name);
			await tidy(world);
		}
		// Foodie has no dark colours.
		if (isEmbedded && scheme === "light") {
			const product = await person.tab(`${world.foodie}/`);
			await product.getByRole("button", { name: "Sign in as Ada" }).click();
			await product.getByRole("link", { name: "Webhooks", exact: true }).click();
			await shown(product.frameLocator("fanfare-portal iframe"), "Fix and resume");
			await take(product, "portal-embedded");
		}
	}, isExpected);
}

/** Deletes what a picture has added, so that the next ones do not depend on it. */
async function tidy({ server: { project }, works }: PortalWorld): Promise<void> {
	const { data } = await project.batch.webhooks.list({ customerId: CUSTOMER });
	for (const { id, endpoint } of data) if (endpoint === works) await project.batch.webhooks.delete(id);
}

function shown(page: Page | FrameLocator, text: string): Promise<void> {
	return page.getByText(text).filter({ visible: true }).first().waitFor();
}

/** Foodie, its Fanfare, and a customer with an endpoint that works, one that fails and one that wants no more. */
async function startPortalWorld(opened: AsyncDisposableStack): Promise<PortalWorld> {
	const site = createServer().listen(0, "localhost");
	opened.defer(() => closed(site));
	await once(site, "listening");
	const foodie = `http://localhost:${(site.address() as AddressInfo).port}`;
	const env = {
		FANFARE_ALLOW_FOR_CUSTOMERS: "true",
		FANFARE_PORTAL_ORIGINS: foodie,
		FANFARE_EGRESS_ADDRESSES: "203.0.113.7",
	};
	const server = opened.use(await startServerProcess({ env }));
	const { project } = server;
	const [own] = await server.client.listProjects();
	const product = new Product(own!, server.url, foodie);
	await product.describeEvents();
	site.on("request", (request, response) => void product.answer(request, response));
	await project.customers.update(CUSTOMER, { name: "Acme Pizza" });

	const ids = new Map<string, string>();
	for (const [name, answer] of Object.entries(ENDPOINTS)) {
		const receiver = opened.use(await startReceiver());
		receiver.script(() => answer);
		const spec = { endpoint: `${receiver.url}/hooks`, retries: { maxRetries: 0, maxRetryDelay: 0 } };
		ids.set(name, (await project.batch.webhooks.create({ name, customerId: CUSTOMER, spec })).id);
	}
	const events = Array.from({ length: EVENTS }, (_, index) => ({
		type: index % 4 === 3 ? "order.cancelled" : "order.placed",
		data: { orderId: `order_${index + 1}`, total: 23.5 },
		customerId: CUSTOMER,
	}));
	await project.events.sendBatch(events);
	await eventually("the deliveries", async () => {
		const { deliveries } = await project.stats();
		return deliveries.Succeeded === EVENTS && deliveries.Failed >= EVENTS && deliveries.Pending === 0;
	});
	const working = opened.use(await startReceiver());
	return { server, foodie, works: `${working.url}/webhooks`, endpointId: (name) => ids.get(name)! };
}

function closed(site: Server): Promise<void> {
	site.closeAllConnections();
	return new Promise((resolve) => site.close(() => resolve()));
}
