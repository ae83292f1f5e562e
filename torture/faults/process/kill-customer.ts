// The server is killed in the middle of the deletion of a customer.
import type { Event } from "@fanfare/sdk";
import { between } from "@fanfare/testkit/seeded-random";

import type { Fault } from "../../fault.ts";
import { Neighbour } from "../../harness/neighbours/neighbour.ts";
import type { Round } from "../../round.ts";

const WEBHOOKS = 20;
const EVENTS = 30;
const KILLS = 2;
/** The longest time to a kill: the deletion takes some hundred milliseconds. */
const KILL_WITHIN_MS = 250;
const DELIVERED_WITHIN_MS = 45_000;
const DELETED_WITHIN_MS = 60_000;
const PAGE = 1_000;
/** What each receiver answers, and the log keeps. */
const ANSWER = "an answer to keep";

const LEAVING = "leaving";
const STAYING = "staying";
/** Whom events are for. A broadcast is for both. */
const FOR = {
	[LEAVING]: { customerId: LEAVING },
	[STAYING]: { customerId: STAYING },
	everyone: { customerIds: "*" },
} as const;
type Addressee = keyof typeof FOR;
const ADDRESSEES = Object.keys(FOR) as Addressee[];

type Events = Readonly<Record<Addressee, readonly Event[]>>;

export const killCustomer: Fault = {
	name: "kill-customer",
	summary: "SIGKILL in the middle of the deletion of a customer: it is deleted completely, and nothing of another one",
	weight: 1,
	prepare: (round) => {
		// Receivers listen on the loopback address, which customers may not use otherwise.
		round.env["FANFARE_ALLOW_FOR_CUSTOMERS"] = "true";
	},
	strike: async (round) => {
		const random = round.random("customer");
		const neighbour = await Neighbour.open(round);
		const events = await fill(round, neighbour);
		await remove(round, neighbour);
		for (let n = 0; n < KILLS; n++) {
			await round.moment(random, between(random, 1, KILL_WITHIN_MS));
			await round.kill();
			await round.restart();
		}
		await untilDeleted(round, neighbour);
		await checkWebhooks(round, neighbour);
		await checkPayloads(round, neighbour, events);
		await checkResponses(round, neighbour);
		await checkSilence(round, neighbour);
		await neighbour.end();
	},
};

/** Registers webhooks of two customers, and has events delivered to both, each alone and together. */
async function fill(round: Round, neighbour: Neighbour): Promise<Events> {
	const { project, receiver } = neighbour;
	receiver.script(() => ({ body: ANSWER }));
	for (const customerId of [LEAVING, STAYING]) {
		await neighbour.addWebhooks(WEBHOOKS, (n) => ({ endpoint: `${receiver.url}/${customerId}/${n}` }), customerId);
	}
	const sendFor = async (addressee: Addressee) => {
		const input = (n: number) => ({ type: `for.${addressee}`, ...FOR[addressee], data: { n } });
		const results = await project.events.sendBatch(Array.from({ length: EVENTS }, (_, n) => input(n)));
		return results.flatMap(({ event }) => event ?? []);
	};
	const events = {
		[LEAVING]: await sendFor(LEAVING),
		[STAYING]: await sendFor(STAYING),
		everyone: await sendFor("everyone"),
	};
	for (const addressee of ADDRESSEES) {
		round.expect(
			events[addressee].length === EVENTS,
			`${events[addressee].length} events for ${addressee} were accepted`,
		);
	}
	const isDone = async () => (await project.deliveries.list({ status: "Pending", limit: 1 })).data.length === 0;
	await round.time.within(DELIVERED_WITHIN_MS, isDone);
	round.expect(await isDone(), "deliveries to customers are still Pending");
	return events;
}

async function remove(round: Round, neighbour: Neighbour): Promise<void> {
	const { status, text } = await neighbour.call("DELETE", `/customers/${LEAVING}`);
	round.expect(status === 202, `the deletion of a customer got ${status} ${text.slice(0, 200)}`);
}

/** The deletion goes on after each start, without anyone's help. */
async function untilDeleted(round: Round, neighbour: Neighbour): Promise<void> {
	const isGone = async () => (await neighbour.call("GET", `/customers/${LEAVING}`)).status === 404;
	await round.time.within(DELETED_WITHIN_MS, isGone);
	const { status, text } = await neighbour.call("GET", `/customers/${LEAVING}`);
	round.expect(status === 404, `the customer is not deleted: ${text.slice(0, 300)}`);
	const entries = await Array.fromAsync(round.client.audit.list({ projectId: neighbour.projectId }));
	for (const action of ["customer.delete", "customer.deleted"]) {
		const count = entries.filter((entry) => entry.action === action).length;
		round.expect(count === 1, `the audit log has ${count} entries of ${action}`);
	}
}

async function checkWebhooks(round: Round, { project }: Neighbour): Promise<void> {
	const webhooks = await Array.fromAsync(project.batch.webhooks.list({ limit: PAGE }));
	const owners = new Set(webhooks.map(({ customerId }) => customerId));
	const isRight = webhooks.length === WEBHOOKS && owners.size === 1 && owners.has(STAYING);
	round.expect(isRight, `after the deletion there are ${webhooks.length} webhooks of ${[...owners].join()}`);
}

/** Payloads for the customer alone are erased. All others are there. */
async function checkPayloads(round: Round, neighbour: Neighbour, events: Events): Promise<void> {
	for (const addressee of ADDRESSEES) {
		const wanted = addressee === LEAVING ? 410 : 200;
		for (const { id } of events[addressee]) {
			const { status } = await neighbour.call("GET", `/events/${id}/data`);
			round.expect(status === wanted, `the data of ${id}, which is for ${addressee}, got ${status}`);
		}
	}
}

/** Every delivery is still in the log. Those of the customer have no response any more, and belong to nobody. */
async function checkResponses(round: Round, { project }: Neighbour): Promise<void> {
	const deliveries = await Array.fromAsync(project.deliveries.list({ limit: PAGE }));
	// A broadcast has those of both.
	const wanted = 4 * EVENTS * WEBHOOKS;
	round.expect(deliveries.length === wanted, `the log has ${deliveries.length} deliveries in place of ${wanted}`);
	const kept = deliveries.filter(({ customerId }) => customerId === STAYING);
	const left = deliveries.filter(({ customerId }) => customerId === undefined);
	for (const [own, answer] of [
		[kept, ANSWER],
		[left, ""],
	] as const) {
		round.expect(own.length === wanted / 2, `${own.length} of ${wanted} deliveries are one customer's`);
		for (const { id } of own.filter((_, index) => index % 100 === 0)) {
			const attempts = await Array.fromAsync(project.deliveries.listAttempts(id));
			const isRight = attempts.length > 0 && attempts.every(({ response }) => (response?.body ?? "") === answer);
			round.expect(isRight, `an attempt of ${id} has not the response "${answer}"`);
		}
	}
}

/** The id is that of a new customer now, who has no webhook. */
async function checkSilence(round: Round, { project, receiver }: Neighbour): Promise<void> {
	const before = receiver.requests.length;
	const event = await project.events.send({ type: "for.leaving", customerId: LEAVING, data: {} });
	round.expect(event.deliveryCount === 0, `an event for a deleted customer has ${event.deliveryCount} deliveries`);
	const requests = receiver.requests.slice(before).filter(({ path }) => path.startsWith(`/${LEAVING}/`));
	round.expect(requests.length === 0, `${requests.length} requests came to a deleted customer`);
}
