// The middle of the demo: sends events while the server is killed and started again.
import { setTimeout as sleep } from "node:timers/promises";

import type { ProjectHandle } from "@fanfare/sdk";

import { PATIENCE_MS, type Ledger } from "./ledger.ts";
import type { RequestCount } from "./request-count.ts";
import type { ServerProcess } from "./server-process.ts";
import { countOf, seconds, type Table } from "./table.ts";

/** The number of concurrent sends. */
const SENDERS = 16;
/** The time over which the events are spread, so that there is time for the kills. */
const SENDING_MS = 4_000;
const SLOWEST_PACE_MS = 4;
const POLL_MS = 100;

export const ORDER_PAID = "order.paid";

export interface Crossing {
	readonly project: ProjectHandle;
	readonly server: ServerProcess;
	readonly ledger: Ledger;
	readonly table: Table;
	readonly requests: RequestCount;
	readonly events: number;
	readonly kills: number;
	readonly signal: AbortSignal;
}

/**
 * Sends all events while the server is killed and started again, and waits for the last delivery. Returns the number of
 * requests that the SDK has repeated.
 */
export async function sendThroughCrash(crossing: Crossing): Promise<{ readonly repeated: number }> {
	const { requests, events } = crossing;
	const before = requests.value;
	await Promise.all([sendAll(crossing), killInTheMiddle(crossing)]);
	const repeated = requests.value - before - events;
	await drain(crossing);
	return { repeated };
}

/** Sends with several senders. The SDK repeats sends that the crash cuts off, and the idempotency key prevents duplicates. */
async function sendAll({ project, ledger, events, signal }: Crossing): Promise<void> {
	const paceMs = Math.min(SLOWEST_PACE_MS, SENDING_MS / events);
	const startedAt = Date.now();
	let next = 1;
	const sender = async () => {
		for (let orderId = next++; orderId <= events; orderId = next++) {
			const waitMs = startedAt + orderId * paceMs - Date.now();
			if (waitMs > 0) await sleep(waitMs, undefined, { signal });
			const order = { type: ORDER_PAID, data: { orderId }, idempotencyKey: `order-${orderId}-paid` };
			const event = await project.events.send(order, { signal });
			ledger.acknowledged(event.id);
		}
	};
	await Promise.all(Array.from({ length: SENDERS }, sender));
}

async function killInTheMiddle({ server, ledger, table, events, kills, signal }: Crossing): Promise<void> {
	for (let kill = 1; kill <= kills; kill++) {
		const sent = Math.ceil((events * kill) / (kills + 1));
		await ledger.reached(sent, signal);
		ledger.killed();
		await server.kill();
		const killedAt = Date.now();
		table.note(`server killed (SIGKILL) after ${countOf(ledger.counts().sent, "event")}; sends keep retrying`);
		await server.start();
		ledger.isBack();
		table.note(`server is back after ${seconds(Date.now() - killedAt)}, on the same port and store`);
	}
}

/** Waits until the server has nothing more to deliver, or nothing has arrived for too long. */
async function drain({ project, ledger, signal }: Crossing): Promise<void> {
	while (Date.now() - ledger.lastArrivalAt < PATIENCE_MS) {
		const { data } = await project.deliveries.list({ status: "Pending", limit: 1 }, { signal });
		if (data.length === 0) return;
		await sleep(POLL_MS, undefined, { signal });
	}
}
