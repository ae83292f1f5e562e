// What the tests of the portal share: a server whose customers use it, and what they have there.
import type {
	Capability,
	CreatePortalSession,
	CreatedPortalSession,
	CreatedWebhook,
	DeliveryDetail,
} from "@fanfare/sdk";
import type { Person, TabOptions } from "@fanfare/testkit/browser/browser";
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import type { Page } from "playwright-core";
import { beforeAll, expect } from "vitest";

import { pageSuite, type World } from "./suite.ts";

/** Of the event type `order.paid`, as it is kept. */
const EXAMPLE = '{"orderId":98765432109876543210,"total":12.50}';
export const ALL: readonly Capability[] = [
	"webhooks.write",
	"secrets.rotate",
	"payloads.read",
	"deliveries.retry",
	"replay",
];

export interface PortalWorld {
	readonly world: World;
	readonly receiver: Receiver;
	readonly portalSessions: () => World["server"]["project"]["portalSessions"];
	/** Opens the portal by a link, as a customer who has got one just now. */
	readonly open: (session: CreatePortalSession, options?: PortalTabOptions) => Promise<PortalTab>;
	/** A webhook of the customer, whose receiver answers as told. */
	readonly endpointOf: (customerId: string, name: string, path?: string) => Promise<CreatedWebhook>;
	/** Sends an event to the customer, and waits until its delivery has this status. */
	readonly sent: (customerId: string, status: string, type?: string) => Promise<DeliveryDetail>;
}

type PortalTabOptions = TabOptions & { readonly path?: string };

interface PortalTab {
	readonly page: Page;
	readonly person: Person;
	readonly session: CreatedPortalSession;
}

/** A suite of the portal in a real browser, as `pageSuite`. `origin` is that of a page of the product. */
export function portalSuite(name: string, define: (portal: PortalWorld) => void, origin?: string): void {
	const env = {
		FANFARE_ALLOW_FOR_CUSTOMERS: "true",
		FANFARE_EGRESS_ADDRESSES: "203.0.113.7",
		...(origin !== undefined && { FANFARE_PORTAL_ORIGINS: origin }),
	};
	pageSuite(
		name,
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
			define({
				world,
				get receiver() {
					return receiver;
				},
				portalSessions,
				open: (session, options) => openPortal(world, session, options),
				endpointOf: (customerId, name, path = `/${customerId}`) =>
					world.server.project.batch.webhooks.create({
						name,
						customerId,
						spec: { endpoint: `${receiver.url}${path}`, retries: { maxRetries: 0, maxRetryDelay: 0 } },
					}),
				async sent(customerId, status, type = "order.paid") {
					const { id } = await world.server.project.events.send({ type, data: { orderId: 12345678901 }, customerId });
					return world.server.waitForDelivery(id, (delivery) => delivery.status === status);
				},
			});
		},
		{ env },
	);
}

/** Opens the portal by a link, as a customer who has got one just now. */
export async function openPortal(
	world: World,
	session: CreatePortalSession,
	{ path = "", ...tabOptions }: PortalTabOptions = {},
): Promise<PortalTab> {
	const created = await world.server.project.portalSessions.create({ capabilities: ALL, ...session });
	const person = world.watch(await world.browser.person(tabOptions));
	const url = new URL(path, created.url);
	url.hash = new URL(created.url).hash;
	return { page: await person.tab(url.href), person, session: created };
}
