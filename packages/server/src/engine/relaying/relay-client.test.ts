// How many requests the client of a relay is given at once: no more than it can take before it reads on.
import { expect, it } from "vitest";

import { ManualClock } from "../../core/manual-clock.ts";
import type { RelayRequest } from "../relay-calls.ts";
import { RelayClient } from "./relay-client.ts";

/** A client to which so many requests of a size were offered. */
function offered(count: number, bytes: number): RelayClient {
	const client = new RelayClient({
		clock: new ManualClock(),
		abandon: () => {},
		mayStay: () => true,
		left: () => {},
		inTurn: (give) => void give(),
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
