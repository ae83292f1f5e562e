// A server with a project as a product would have it: receivers that work, fail, hang, are slow, gone or paused, and events for them.
import type { CreatedWebhook } from "@fanfare/sdk";

import { eventually } from "../eventually.ts";
import { startReceiver, type Answer, type Receiver } from "../receiver.ts";
import { startServerProcess, type ServerProcess } from "../server-process.ts";

const TYPES = ["order.paid", "order.refunded", "order.shipped", "invoice.created", "user.created"] as const;
const EVENTS = 120;

/** What the receivers do, by the name of their webhook. */
const RECEIVERS: Readonly<
	Record<string, { answer: (index: number) => Answer; types?: readonly string[]; customerId?: string }>
> = {
	Warehouse: { answer: () => ({ status: 204 }), types: ["order.*"] },
	Billing: {
		answer: () => ({ status: 503, body: '{"error":"upstream connect error or disconnect before headers"}' }),
		types: ["order.paid", "invoice.*"],
	},
	Analytics: {
		answer: (index) => (index % 9 === 0 ? { status: 500, body: "Internal Server Error" } : { status: 200, body: "ok" }),
	},
	"Acme CRM": { answer: () => ({ status: 200, body: '{"received":true}' }), customerId: "acme" },
	"Globex ERP": { answer: () => ({ status: 410, body: "Gone" }), customerId: "globex", types: ["user.*", "order.*"] },
	"Mail sender": { answer: () => ({ status: 202 }), types: ["user.created"] },
};

/** What a test or a picture needs of it. */
export class DemoWorld implements AsyncDisposable {
	readonly server: ServerProcess;
	readonly webhooks: ReadonlyMap<string, CreatedWebhook>;
	readonly #opened: AsyncDisposableStack;

	constructor(server: ServerProcess, webhooks: ReadonlyMap<string, CreatedWebhook>, opened: AsyncDisposableStack) {
		this.server = server;
		this.webhooks = webhooks;
		this.#opened = opened;
	}

	/** The webhook with this name. */
	readonly webhook = (name: string): CreatedWebhook => {
		const found = this.webhooks.get(name);
		if (found === undefined) throw new Error(`the demo has no webhook ${name}`);
		return found;
	};

	[Symbol.asyncDispose](): Promise<void> {
		return this.#opened.disposeAsync();
	}
}

/** Starts everything, and waits until nothing more will change by itself but retries. */
export async function startDemoWorld(): Promise<DemoWorld> {
	await using opening = new AsyncDisposableStack();
	const server = opening.use(await startServerProcess({ env: { FANFARE_ALLOW_FOR_CUSTOMERS: "true" } }));
	const { project } = server;
	for (const name of TYPES) await project.eventTypes.create({ name, example: exampleOf(name, 1) });
	const webhooks = new Map<string, CreatedWebhook>();
	const receivers: Receiver[] = [];
	for (const [name, { answer, types, customerId }] of Object.entries(RECEIVERS)) {
		const receiver = opening.use(await startReceiver());
		receiver.script((_request, index) => answer(index));
		receivers.push(receiver);
		const endpoint = `${receiver.url}/hooks/${name.toLowerCase().replaceAll(" ", "-")}`;
		const retries =
			name === "Billing" ? { maxRetries: 2, maxRetryDelay: 100 } : { maxRetries: 6, maxRetryDelay: 600_000 };
		const spec = { endpoint, retries, eventTypes: types ?? null };
		webhooks.set(
			name,
			await project.batch.webhooks.create({ name, spec, ...(customerId !== undefined && { customerId }) }),
		);
	}
	const nobody = await project.batch.webhooks.create({
		name: "Staging",
		spec: {
			endpoint: "http://127.0.0.1:9/hooks",
			eventTypes: ["invoice.created"],
			retries: { maxRetries: 5, maxRetryDelay: 900_000 },
		},
	});
	webhooks.set("Staging", nobody);
	await project.batch.webhooks.pause(webhooks.get("Mail sender")?.id ?? "");
	const events = Array.from({ length: EVENTS }, (_, index) => {
		const type = TYPES[index % TYPES.length] ?? "order.paid";
		return { type, data: exampleOf(type, index), customerIds: "*" as const };
	});
	await project.events.sendBatch(events);
	const isSettled = async () => {
		const { deliveries } = await project.stats();
		// Those of Billing are retried before they have failed, and the others may be faster.
		const ofBilling = await project.deliveries.count({ status: "Failed", cause: "status_5xx" });
		return ofBilling.count > 0 && deliveries.Failed >= EVENTS / 5 && deliveries.Succeeded > EVENTS;
	};
	await enrich(server, webhooks);
	await eventually("the first attempts of all deliveries", isSettled);
	return new DemoWorld(server, webhooks, opening.move());
}

/** What grows beside the deliveries: keys, descriptions and schemas, the names of customers, a replay. */
async function enrich(server: ServerProcess, webhooks: ReadonlyMap<string, CreatedWebhook>): Promise<void> {
	const { client, project, projectId } = server;
	await client.keys.create({ name: "Checkout service", scope: "write", projectId });
	const { id } = await client.keys.create({ name: "Grafana", scope: "read", expireDate: Date.now() + 90 * 86_400_000 });
	await client.keys.roll(id);
	for (const [name, description] of Object.entries(DESCRIPTIONS))
		await project.eventTypes.update(name, { description });
	await project.eventTypes.update("order.paid", { schema: ORDER_SCHEMA });
	await project.eventTypes.create({ name: "stock.low", description: "A part runs out.", visibility: "internal" });
	await project.customers.update("acme", { name: "Acme Inc.", metadata: { plan: "enterprise" } });
	await project.customers.update("initech", { name: "Initech" });
	await project.batch.webhooks.replay(webhooks.get("Warehouse")?.id ?? "", { since: 0, status: ["Succeeded"] });
}

const DESCRIPTIONS = {
	"order.paid": "The payment of an order was captured.",
	"order.refunded": "All or a part of an order was paid back.",
	"invoice.created": "An invoice was made out, and can be fetched.",
	"user.created": "Somebody has signed up.",
} as const;

const ORDER_SCHEMA = {
	type: "object",
	required: ["orderId", "total", "currency"],
	properties: {
		orderId: { type: "integer" },
		total: { type: "string" },
		currency: { type: "string", minLength: 3, maxLength: 3 },
	},
} as const;

function exampleOf(type: string, index: number): object {
	const id = 10_400 + index;
	if (type.startsWith("user")) return { userId: id, email: `user-${id}@example.com`, plan: "team" };
	return {
		orderId: id,
		customer: { id: `cus_${id}`, name: "Ada Lovelace" },
		lines: [
			{ sku: "TRUMPET-1", quantity: 1, price: "249.00" },
			{ sku: "VALVE-OIL", quantity: 2, price: "7.50" },
		],
		total: "264.00",
		currency: "EUR",
	};
}
