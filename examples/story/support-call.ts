// The last part of the story: one of two customers calls support, which finds the lost delivery, and the customer retries it in the
// portal, where nothing of the other customer is seen.
import { Client, NotFoundError, utils, type Delivery, type Project } from "@fanfare/sdk";
import type { ManualClock } from "@fanfare/server";

import { Customer } from "./customer.ts";
import { check, eventually, say } from "./telling.ts";

const INVOICES = 3;
/** The number of the invoice that Acme misses. */
const LOST = 2;

interface Shop {
	readonly project: Project;
	readonly url: string;
	readonly clock: ManualClock;
}

/** Acme and Globex get invoices. Acme misses one, and calls. */
export async function supportCall(shop: Shop): Promise<void> {
	const secrets = { acme: utils.generateWebhookSecret(), globex: utils.generateWebhookSecret() };
	const customers = { acme: new Customer(secrets.acme), globex: new Customer(secrets.globex) };
	try {
		for (const customerId of ["acme", "globex"] as const) {
			const retries = { maxRetries: 1, maxRetryDelay: 1_000 };
			const spec = { endpoint: await customers[customerId].open(), secret: secrets[customerId], retries };
			await shop.project.batch.webhooks.create({ name: "invoices", customerId, spec });
		}
		say("", "Acme and Globex register webhooks of their own. Invoices of one never reach the other.");
		await sendInvoices(shop, customers.acme);
		const lost = await findLost(shop);
		await retryInPortal(shop, customers.acme, lost);
		for (const [customerId, { accepted }] of Object.entries(customers)) {
			const once = [...accepted.values()].every((count) => count === 1);
			check(accepted.size === INVOICES && once, `${customerId} has ${accepted.size} of its ${INVOICES} invoices`);
		}
	} finally {
		for (const customer of Object.values(customers)) customer.close();
	}
}

/** Each customer gets its invoices, but Acme's machine is down for one of them. */
async function sendInvoices({ project, clock }: Shop, acme: Customer): Promise<void> {
	for (let number = 1; number <= INVOICES; number++) {
		acme.isDown = number === LOST;
		for (const customerId of ["acme", "globex"]) {
			const tags = [`invoice:${customerId}-${number}`];
			await project.events.send({ type: "invoice.created", customerId, tags, data: { customerId, number } });
		}
		const isDone = async () => (await project.deliveries.list({ status: "Pending", limit: 1 })).data.length === 0;
		await eventually("the invoices to be delivered", isDone, clock);
	}
}

/** What support does during the call. Returns the delivery that Acme has missed. */
async function findLost({ project }: Shop): Promise<Delivery> {
	say("", `Acme calls support: "Invoice ${LOST} never came."`);
	const [acme] = (await project.customers.list({ q: "acme" })).data;
	check(acme?.webhooks.failing === 1 || acme?.webhooks.total === 1, "support does not find the customer");
	const [event] = (await project.events.list({ tag: `invoice:acme-${LOST}` })).data;
	check(event !== undefined, "support does not find the event by its tag");
	const deliveries = await project.deliveries.list({ customerId: "acme", eventId: event?.id });
	const [lost] = deliveries.data;
	if (lost === undefined) throw new Error("the story failed: support does not find the delivery");
	const [attempt] = (await project.deliveries.listAttempts(lost.id)).data;
	check(lost.status === "Failed" && attempt?.responseCode === 503, "the log does not say what happened");
	say(
		"support",
		`finds it by its tag: ${lost.status} after ${lost.attemptCount} attempts, the last one with the response 503.`,
	);
	return lost;
}

/** Acme repairs its machine, and retries the delivery itself, with a token that opens nothing of Globex. */
async function retryInPortal({ project, url, clock }: Shop, acme: Customer, lost: Delivery): Promise<void> {
	const { token } = await project.portalSessions.create({ customerId: "acme", capabilities: ["deliveries.retry"] });
	const portal = new Client(token, { endpoint: url }).project(project.id);
	const own = await Array.fromAsync(portal.deliveries.list());
	check(own.length === INVOICES, `the portal shows ${own.length} deliveries in place of ${INVOICES}`);
	const [foreign] = (await project.deliveries.list({ customerId: "globex" })).data;
	const isRefused = await portal.deliveries.get(foreign?.id ?? "").then(
		() => false,
		(error: unknown) => error instanceof NotFoundError,
	);
	check(isRefused, "Acme's portal shows a delivery of Globex");
	acme.isDown = false;
	await portal.deliveries.retry(lost.id);
	const isDone = async () => (await portal.deliveries.get(lost.id)).status === "Succeeded";
	await eventually("the retried delivery to succeed", isDone, clock);
	say(
		"portal",
		`Acme sees its own ${own.length} deliveries and none of Globex, and retries the one that failed: it succeeds.`,
	);
}
