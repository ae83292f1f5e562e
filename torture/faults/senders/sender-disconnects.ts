// Senders close their connections in the middle of a body.
import { RawConnection, requestHead } from "@fanfare/testkit/raw-connection";

import type { Fault } from "../../fault.ts";
import { PROMPT_MS } from "../../harness/hostile.ts";
import { countEvents, eventsPath, rawEvent } from "../../harness/raw-sends.ts";

const CONNECTIONS = 80;
const TYPE = "partial.event";

export const senderDisconnects: Fault = {
	name: "sender-disconnects",
	summary: "senders that disconnect in the middle of a body: nothing is accepted",
	weight: 1,
	setUp: async (round) => void (round.promptWithinMs = PROMPT_MS),
	strike: async (round) => {
		const random = round.random("disconnects");
		const headers = { "secret-key": round.adminKey, "content-type": "application/json" };
		for (let n = 0; n < CONNECTIONS; n++) {
			using connection = new RawConnection(round.server.port);
			const { body } = rawEvent(round, TYPE, JSON.stringify("x".repeat(Math.floor(random() * 100_000))));
			const length = { "content-length": String(body.length) };
			const head = requestHead("POST", eventsPath(round), { ...headers, ...length });
			await connection.write(head + body.slice(0, Math.floor(random() * body.length)));
			if (n % 2 === 0) connection.reset();
		}
		await round.load(60);
	},
	verify: async (round) => {
		const count = await countEvents(round, TYPE);
		round.expect(count === 0, `${count} events with incomplete bodies were accepted`);
	},
};
