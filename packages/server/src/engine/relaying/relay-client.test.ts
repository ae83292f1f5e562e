// How many requests the client of a relay is given at once: no more than it can take before it reads on.
import { expect, it } from "vitest";

import { ManualClock } from "../../core/manual-clock.ts";
import type { RelayRequest } from "../relay-calls.ts";
import { RelayClient } from "./relay-client.ts";

/** A client to which so many requests of a size were offered. */
function offered(count: number, bytes: number, inTurn = (give: () => boolean) => void give()): RelayClient {
	const client = new RelayClient({
		clock: new ManualClock(),
		abandon: () => {},
		mayStay: () => true,
		left: () => {},
		inTurn,
	});
	for (let index = 0; index < count; index++) client.offer({ bytes, take: () => ({}) as RelayRequest });
	return client;
}

/** How many requests it is given each time that it reads, until there are none. */
async function given(client: RelayClient, count: number): Promise<number[]> {
	const counts: number[] = [];
	for (let left = count; left > 0;) {
		const signals = (await client.next()) ?? [];
		const requests = signals.filter(({ type }) => type === "request").length;
		counts.push(requests);
		left -= requests;
	}
	return counts;
}

it("gives at most 16 signals at once, and the next ones when the client has read them", async () => {
	expect(await given(offered(40, 100), 40)).toEqual([15, 16, 9]);
});

it("gives no further request once those before it have 512 KiB of bodies", async () => {
	expect(await given(offered(5, 256 * 1_024), 5)).toEqual([2, 2, 1]);
	expect(await given(offered(3, 256 * 1_024 - 1), 3)).toEqual([3]);
});

it("gives more than 16 KiB of bodies in turn, also to a client that has just come or reads on", async () => {
	const turns: (() => boolean)[] = [];
	const client = offered(4, 200 * 1_024, (give) => void turns.push(give));
	for (const requests of [3, 1]) {
		let signals: readonly unknown[] | null = null;
		const given = client.next().then((next) => (signals = next));
		await Promise.resolve();
		expect([signals, turns.length]).toEqual([null, 1]);
		expect(turns.pop()?.()).toBe(true);
		expect((await given)?.filter(({ type }) => type === "request").length).toBe(requests);
	}
	const small = offered(4, 4 * 1_024, (give) => void turns.push(give));
	expect((await small.next())?.length).toBe(5);
	expect(turns).toEqual([]);
});
