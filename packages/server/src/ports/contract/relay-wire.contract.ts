// The contract of a wire for relays between processes. The test of an adapter is a few lines that run it.
import { beforeEach, describe, expect, it } from "vitest";

import { systemChance } from "../../adapters/system/system-chance.ts";
import { makeProjectId } from "../../core/ids.ts";
import type { RelayedOutcome, RelayedRequest, RelayWire } from "../relay-wire.ts";

const WAIT = { interval: 20 };

export interface RelayWireContractOptions {
	/** Names the adapter in the titles of the tests. */
	readonly name: string;
	/** Connects three processes on a new wire. */
	readonly open: () => Promise<readonly RelayWire[]>;
	/** Makes a relay in the store of the wire, if the wire looks there. Returns the id of its webhook. */
	readonly makeRelay: (projectId: string) => Promise<string>;
	/** A client opens the stream of this relay: returns the new epoch. */
	readonly openStream: (webhookId: string) => Promise<number>;
}

/** Runs the suite. Each test gets a new wire. */
export function relayWireContract({ name, open, makeRelay, openStream }: RelayWireContractOptions): void {
	describe(`the ${name} wire for relays`, () => {
		let wires: readonly RelayWire[];
		let told: unknown[][];
		let projectId: string;
		let webhookId: string;
		beforeEach(async () => {
			wires = await open();
			told = wires.map((wire) => listen(wire));
			projectId = makeProjectId(systemChance);
			webhookId = await makeRelay(projectId);
		});
		const hold = async (index: number) => {
			const epoch = await openStream(webhookId);
			await wires[index]!.hold(webhookId, epoch);
			return epoch;
		};
		const request = (number = 1, changes: Partial<RelayedRequest> = {}): RelayedRequest => ({
			webhookId,
			projectId,
			requestId: `dlv.${number}`,
			deliveryId: "dlv",
			eventId: "evt",
			attemptNumber: number,
			trigger: "auto",
			headers: Uint8Array.from([1, 0, 255]),
			body: Uint8Array.from({ length: 256 }, (_, byte) => byte),
			timeoutMs: 30_000,
			...changes,
		});
		const key = (number = 1) => ({ webhookId, requestId: `dlv.${number}` });
		const kinds = (index: number) => told[index]!.map((each) => (each as unknown[])[0]);

		it("offers a request to who has the client, whole and once, and gives the owner the first answer", async () => {
			await hold(0);
			expect(await wires[1]!.announce(request(), true)).toBeNull();
			await expect.poll(() => told[0], WAIT).toEqual([["offered", { ...request(), timeoutMs: expect.any(Number) }]]);
			for (const code of [204, 500]) expect(await wires[2]!.answer(key(), outcome(code))).toBe(true);
			await expect.poll(() => told[1], WAIT).toContainEqual(["ended", key(), "answer", outcome(204)]);
			await wires[1]!.withdraw(key());
			await expect.poll(() => told[0]!.slice(1), WAIT).toEqual([["closed", key()]]);
			expect(await wires[2]!.answer(key(), outcome(200))).toBe(false);
			expect(told[2]).toEqual([]);
		});

		it("offers no request that is not for others, or is one's own, and gives the owner its answer nevertheless", async () => {
			await hold(0);
			expect(await wires[1]!.announce(request(), false)).toBeNull();
			expect(await wires[0]!.announce(request(2), true)).toBeNull();
			// By then, the first two would have come.
			await wires[1]!.announce(request(3), true);
			await expect.poll(() => kinds(0), WAIT).toContain("offered");
			expect(told[0]).toContainEqual(["offered", expect.objectContaining({ requestId: "dlv.3" })]);
			expect(kinds(0).filter((kind) => kind === "offered")).toHaveLength(1);
			expect(await wires[2]!.answer(key(), outcome(200))).toBe(true);
			await expect.poll(() => told[1], WAIT).toContainEqual(["ended", key(), "answer", outcome(200)]);
		});

		it("tells who has an older client, and offers what is under way to the newer one", async () => {
			const epoch = await hold(0);
			await wires[1]!.announce(request(), true);
			await expect.poll(() => kinds(0), WAIT).toEqual(["offered"]);
			await hold(2);
			await expect.poll(() => told[0]!.slice(1), WAIT).toContainEqual(["replaced", webhookId, epoch]);
			await expect.poll(() => kinds(2), WAIT).toEqual(["offered"]);
			// The older one says that its client is silent: that does not count any more.
			await wires[0]!.end(key(), epoch, "silence", outcome(0));
			// It had it first, and may still answer.
			expect(await wires[0]!.answer(key(), outcome(201))).toBe(true);
			await expect.poll(() => told[1], WAIT).toContainEqual(["ended", key(), "answer", outcome(201)]);
			expect(told[1]).not.toContainEqual(["ended", key(), "silence", outcome(0)]);
		});

		it("gives the owner what the client's process says, and an answer that comes later in its place", async () => {
			const epoch = await hold(0);
			await wires[1]!.announce(request(), true);
			await expect.poll(() => kinds(0), WAIT).toEqual(["offered"]);
			await wires[0]!.end(key(), epoch, "silence", outcome(0));
			await expect.poll(() => told[1], WAIT).toContainEqual(["ended", key(), "silence", outcome(0)]);
			expect(await wires[2]!.answer(key(), outcome(200))).toBe(true);
			expect(await wires[1]!.withdraw(key())).toEqual(outcome(200));
			expect(await wires[1]!.withdraw(key())).toBeNull();
		});

		it("gives an answer to the owner of the next try, without asking the client again", async () => {
			await hold(0);
			await wires[1]!.announce(request(), true);
			expect(await wires[0]!.answer(key(), outcome(200))).toBe(true);
			expect(await wires[2]!.announce(request(), true)).toEqual(outcome(200));
			await wires[2]!.withdraw(key());
			// And forgets it then: what comes under this id later is another try.
			expect(await wires[2]!.announce(request(), true)).toBeNull();
		});

		it("says whether another process has the client", async () => {
			await wires[1]!.announce(request(), true);
			await expect.poll(() => told[1], WAIT).toContainEqual(["heldElsewhere", webhookId, false]);
			expect(await wires[1]!.held([webhookId])).toEqual(new Set());
			const epoch = await hold(0);
			await expect.poll(() => told[1]!.at(-1), WAIT).toEqual(["heldElsewhere", webhookId, true]);
			expect(await wires[1]!.held([webhookId])).toEqual(new Set([webhookId]));
			expect(await wires[0]!.held([webhookId])).toEqual(new Set());
			await wires[0]!.leave(webhookId, epoch - 1);
			expect(await wires[1]!.held([webhookId])).toEqual(new Set([webhookId]));
			await wires[0]!.leave(webhookId, epoch);
			await expect.poll(() => told[1]!.at(-1), WAIT).toEqual(["heldElsewhere", webhookId, false]);
		});

		it("writes nothing that is withdrawn before, and many requests at once", async () => {
			await hold(0);
			const first = wires[1]!.announce(request(), true);
			expect(await wires[1]!.withdraw(key())).toBeNull();
			expect(await first).toBeNull();
			const many = Array.from({ length: 60 }, (_, n) => request(n + 1, { body: new Uint8Array(200_000).fill(n) }));
			await Promise.all(many.map((each) => wires[1]!.announce(each, true)));
			await expect.poll(() => kinds(0).filter((kind) => kind === "offered").length, WAIT).toBe(60);
			const offered = told[0]!.map((each) => (each as [string, RelayedRequest])[1]);
			for (const each of many) {
				const found = offered.find(({ requestId }) => requestId === each.requestId);
				expect(Buffer.compare(found!.body, each.body)).toBe(0);
			}
		});
	});
}

function listen(wire: RelayWire): unknown[] {
	const told: unknown[] = [];
	const tell = (...what: unknown[]) => void told.push(what);
	wire.listen({
		ended: ({ webhookId, requestId }, ...rest) => tell("ended", { webhookId, requestId }, ...rest),
		heldElsewhere: (...what) => tell("heldElsewhere", ...what),
		offered: (...what) => tell("offered", ...what),
		closed: ({ webhookId, requestId }) => tell("closed", { webhookId, requestId }),
		replaced: (...what) => tell("replaced", ...what),
		returned: () => tell("returned"),
	});
	return told;
}

function outcome(responseCode: number): RelayedOutcome {
	return {
		responseCode,
		error: responseCode === 0 ? "away" : null,
		reason: responseCode === 0 ? "away" : null,
		detail: null,
		cause: null,
		firstByteMs: null,
		connection: null,
		response: responseCode === 0 ? null : { headers: { a: "b, c" }, body: "fine\u0000", bodyTruncated: false },
	};
}
