// The server has no free file descriptor for a while.
import { descriptorsIssue, takeDescriptors } from "@fanfare/testkit/descriptors";
import { eventually } from "@fanfare/testkit/eventually";
import { RawConnection } from "@fanfare/testkit/raw-connection";

import type { Fault } from "../../fault.ts";
import type { Round } from "../../round.ts";

/** How long it lasts, at most. */
const LONGEST_MS = 3_000;
/** How attempts may fail in this round: the receivers close connections, and no server listens for one webhook. */
const EXPECTED = new Set(["status", "refused", "reset", "timeout"]);
/** A response to a request that came earlier has certainly reached the server. */
const RESPONSE_WITHIN_MS = 1_000;

/**
 * The limit of descriptors is lowered to what is open, and the receivers close their connections, until the server finds
 * none for a new one. That is no failure of theirs: no attempt may have failed because of it.
 */
export const descriptors: Fault = {
	name: "descriptors",
	summary:
		"the server has no free file descriptor: deliveries are given back, no retry is used, and it recovers by itself",
	weight: 1,
	issue: descriptorsIssue,
	strike: async (round) => {
		// Opened before: later, the server can accept no connection.
		using client = new RawConnection(round.server.port);
		round.expect((await ready(client)).status === 200, "the server was not ready before it lacked descriptors");
		const from = Date.now();
		{
			using taken = new DisposableStack();
			await eventually("/readyz to report the lack of descriptors", async () => {
				taken.use(takeDescriptors(round.server.pid));
				round.receiver.closeConnections();
				const { status, body } = await ready(client);
				return status === 503 && body.includes("EMFILE");
			});
			await round.moment(round.random("descriptors"), LONGEST_MS);
		}
		round.unclear.push({ from, to: Date.now(), beforeMs: RESPONSE_WITHIN_MS });
		round.recovering();
		const isReady = async () => (await round.server.call("GET", "/readyz")).status === 200;
		await eventually("the server to be ready once it has descriptors", isReady);
		round.expect((await returned(round)) > 0, "no delivery was given back");
	},
	verify: async (round) => {
		const { text } = await round.server.call("GET", "/metrics");
		const failures = text.matchAll(/^fanfare_attempts_total\{result="failure",error="(\w+)"\} (\d+)$/gm);
		for (const [, error = "", count] of failures) {
			round.expect(EXPECTED.has(error) || count === "0", `${count} attempts failed with ${error}`);
		}
	},
};

async function ready(client: RawConnection) {
	await client.request("GET", "/readyz", {});
	return client.answer();
}

/** Deliveries that were given back for lack of descriptors. */
async function returned({ server }: Round): Promise<number> {
	const { text } = await server.call("GET", "/metrics");
	return Number(/^fanfare_attempts_returned_total\{reason="shortage"\} (\d+)$/m.exec(text)?.[1]);
}
