// Another project sends batches to hundreds of webhooks, and the server is killed in the middle.
import { between } from "@fanfare/testkit/seeded-random";

import type { Fault } from "../../fault.ts";
import { Neighbour } from "../../harness/neighbours/neighbour.ts";
import type { Round } from "../../round.ts";

const WEBHOOKS = 300;
const EVENTS = 60;
/** The longest time from a send to the kill. A batch is committed in about a second. */
const KILL_WITHIN_MS = 1_500;
const DELIVERED_WITHIN_MS = 45_000;
const PAGE = 1_000;

export const wideBatch: Fault = {
	name: "wide-batch",
	summary: `a batch of ${EVENTS} events to ${WEBHOOKS} webhooks, with SIGKILL in the middle: each event is there whole or not at all`,
	weight: 0.5,
	strike: async (round) => {
		const neighbour = await Neighbour.open(round);
		await neighbour.addWebhooks(WEBHOOKS, (n) => ({
			endpoint: `${neighbour.receiver.url}/wide/${n}`,
			retries: { maxRetries: 20, maxRetryDelay: 40 },
		}));
		await sendAndKill(round, neighbour);
		await checkWhole(round, neighbour);
		await sendAgain(round, neighbour);
		await checkDelivered(round, neighbour);
		await neighbour.end();
	},
};

/** The same batch each time: its events have idempotency keys. */
function batch(): string {
	const events = Array.from({ length: EVENTS }, (_, n) => ({
		type: "wide.event",
		data: { n },
		idempotencyKey: `wide-${n}`,
	}));
	return JSON.stringify({ events });
}

async function sendAndKill(round: Round, neighbour: Neighbour): Promise<void> {
	const random = round.random("wide");
	const sent = neighbour.call("POST", "/events:batch", batch()).catch(() => null);
	await round.moment(random, between(random, 1, KILL_WITHIN_MS));
	await round.kill();
	await sent;
	await round.restart();
}

/** After a crash, an event has all of its deliveries, or it does not exist. */
async function checkWhole(round: Round, neighbour: Neighbour): Promise<void> {
	for (const { id, deliveryCount } of await Array.fromAsync(neighbour.project.events.list())) {
		const deliveries = await Array.fromAsync(neighbour.project.deliveries.list({ eventId: id, limit: PAGE }));
		const text = `after the kill, ${id} has ${deliveries.length} deliveries and says ${deliveryCount}`;
		round.expect(deliveries.length === WEBHOOKS && deliveryCount === WEBHOOKS, text);
	}
}

/** Whatever was answered before: each event is stored once after the batch is sent again. */
async function sendAgain(round: Round, neighbour: Neighbour): Promise<void> {
	const { status } = await neighbour.call("POST", "/events:batch", batch());
	round.expect(status === 202, `the wide batch got ${status} when it was sent again`);
	const events = await Array.fromAsync(neighbour.project.events.list());
	round.expect(events.length === EVENTS, `the wide batch made ${events.length} events in place of ${EVENTS}`);
}

async function checkDelivered(round: Round, { project, receiver }: Neighbour): Promise<void> {
	const isDone = async () => (await project.deliveries.list({ status: "Pending", limit: 1 })).data.length === 0;
	await round.time.within(DELIVERED_WITHIN_MS, isDone);
	const pending = await project.deliveries.list({ status: "Pending", limit: 1 });
	round.expect(pending.data.length === 0, `deliveries of the wide batch are still Pending, as ${pending.data[0]?.id}`);
	const received = new Set(receiver.requests.map(({ path, headers }) => `${path} ${String(headers["webhook-id"])}`));
	const text = `the receivers of the wide batch got ${received.size} different requests, wanted ${EVENTS * WEBHOOKS}`;
	round.expect(received.size === EVENTS * WEBHOOKS, text);
}
