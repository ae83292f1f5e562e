// What a thread that makes attempts does: takes batches of requests, makes them with a sender of its own, and answers with batches of outcomes.
import type { MessagePort } from "node:worker_threads";

import type { Clock } from "../../../core/clock.ts";
import type { AttemptOutcome } from "../../../ports/sender.ts";
import { createAddressGuard } from "../address-guard.ts";
import { createChangeableGuard } from "../changeable-guard.ts";
import { openHttpSender } from "../http-sender.ts";
import type { FromSenderThread, RequestBatch, ThreadData, ToSenderThread } from "./messages.ts";
import { OutcomePacker, RequestUnpacker } from "./packing.ts";
import { RemoteNames } from "./remote-names.ts";
import { SharedUsage } from "./shared-usage.ts";

/**
 * Makes the attempts that the main thread sends, until it says `close`.
 *
 * @example
 * if (parentPort !== null) serveRequests(parentPort, workerData as ThreadData, systemClock);
 */
export function serveRequests(port: MessagePort, { options, rules, index, usage }: ThreadData, clock: Clock): void {
	const tell = (message: FromSenderThread) => port.postMessage(message, []);
	const names = new RemoteNames(tell);
	const guard = createChangeableGuard(rules);
	const shared = new SharedUsage(usage, index, (count) => tell({ kind: "crowded", count }));
	const sender = openHttpSender({ ...options, guard, clock, names, usage: shared });
	const requests = new RequestUnpacker();
	const outcomes = new OutcomePacker();
	/** Of the attempts that can be cancelled. */
	const aborts = new Map<number, AbortController>();
	let isFlushing = false;

	function flush(): void {
		isFlushing = false;
		const values = outcomes.take();
		if (values.length > 0) tell({ kind: "outcomes", values });
	}

	function ended(id: number, outcome: AttemptOutcome): void {
		aborts.delete(id);
		outcomes.add(id, outcome);
		// The outcomes of a turn of the event loop go together.
		if (!isFlushing) clock.nextTurn(flush);
		isFlushing = true;
	}

	function send(batch: RequestBatch): void {
		for (const { id, request, hasSignal } of requests.unpack(batch)) {
			const abort = hasSignal ? new AbortController() : null;
			if (abort !== null) aborts.set(id, abort);
			sender.send(abort === null ? request : { ...request, signal: abort.signal }, (outcome) => ended(id, outcome));
		}
	}

	async function close(): Promise<void> {
		await sender.close();
		// Attempts that were aborted have ended by now, and one turn later so have those that were answered just before.
		clock.nextTurn(() => {
			flush();
			tell({ kind: "closed" });
		});
	}

	function receive(message: ToSenderThread): void {
		switch (message.kind) {
			case "requests":
				return send(message);
			case "cancel":
				return aborts.get(message.id)?.abort();
			case "abort":
				return sender.abort();
			case "rules":
				guard.replace(createAddressGuard(message.rules));
				return sender.recheck();
			case "closeFree":
				return sender.closeFree(message.count);
			case "turn":
				return names.turn(message.id);
			case "addresses":
				return names.found(message.id, message.addresses);
			case "noAddresses":
				return names.failed(message.id, message.failure);
			case "close":
				void close();
		}
	}

	port.on("message", receive);
	tell({ kind: "ready" });
}
