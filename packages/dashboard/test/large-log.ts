// A log of many deliveries, written into the store of a server that is stopped meanwhile.
import { fileURLToPath } from "node:url";

import type { ServerProcess } from "@fanfare/testkit/server-process";

import { BenchStore, type DeliveryUpdate, type NewEvent } from "../../../benchmarks/harness/store/bench-store.ts";
import { databaseOf } from "../../../benchmarks/harness/store/store-copy.ts";

const CODE_DIR = fileURLToPath(new URL("../../..", import.meta.url));
const PER_COMMIT = 1_000;
const BODY = Buffer.from('{"total":1}');

export interface LoggedDelivery {
	readonly id: string;
	readonly type: string;
	readonly createDate: number;
	readonly status: "Succeeded" | "Failed";
}

export interface LogOptions {
	readonly server: ServerProcess;
	/** Of the server's project. */
	readonly webhookId: string;
	readonly rows: number;
	/** One in so many has failed. */
	readonly failedEvery: number;
}

/**
 * Writes deliveries that have ended, one made in each second until now, as the server writes them, but at those times. Returns them newest
 * first, as lists have them.
 */
export async function writeLog({ server, webhookId, rows, failedEvery }: LogOptions): Promise<LoggedDelivery[]> {
	await server.stop();
	const project = { projectId: server.projectId, webhookIds: [webhookId] };
	const store = await BenchStore.open(CODE_DIR, databaseOf(server.dataDir), project);
	const now = Date.now();
	const log: LoggedDelivery[] = [];
	while (log.length < rows) {
		const events: NewEvent[] = [];
		const outcomes: DeliveryUpdate[] = [];
		for (let count = 0; count < PER_COMMIT && log.length < rows; count++) {
			const index = log.length;
			store.now = now - (rows - index) * 1_000;
			const type = `log.type-${index % 10}`;
			const event = store.newEvent({ type, body: BODY, webhookIds: [webhookId], hasRoom: false });
			const [id = ""] = store.deliveriesOf(event);
			const isFailed = index % failedEvery === 0;
			const fate = isFailed ? ({ kind: "failed", responseCode: 500 } as const) : null;
			events.push(event);
			outcomes.push(...(fate === null ? [store.success(id)] : store.outcomesOf(id, fate)));
			log.push({ id, type, createDate: store.now, status: isFailed ? "Failed" : "Succeeded" });
		}
		await store.commit(events, outcomes);
	}
	await store.close();
	await server.restart();
	return log.toReversed();
}
