// Senders keep connections open by sending headers or bodies byte by byte.
import { RawConnection, requestHead } from "@fanfare/testkit/raw-connection";

import type { Fault } from "../../fault.ts";
import { PROMPT_MS } from "../../harness/hostile.ts";
import { countEvents, eventsPath } from "../../harness/raw-sends.ts";
import type { Round } from "../../round.ts";

const CONNECTIONS = 200;
const TYPE = "slow.event";
const EVERY = 10;

export const senderSlowloris: Fault = {
	name: "sender-slowloris",
	summary: "200 connections that send headers or bodies byte by byte, while others are served as usual",
	weight: 1,
	setUp: async (round) => void (round.promptWithinMs = PROMPT_MS),
	strike: async (round) => {
		const connections = await Promise.all(Array.from({ length: CONNECTIONS }, (_, n) => open(round, n % 2 === 0)));
		for (let n = 0; n < 12; n++) {
			await round.load(EVERY);
			await Promise.all(connections.map((connection, index) => connection.write(index % 2 === 0 ? "x" : "y: 1\r\n")));
		}
		for (const connection of connections) connection[Symbol.dispose]();
	},
	verify: async (round) => {
		const count = await countEvents(round, TYPE);
		round.expect(count === 0, `${count} events with incomplete bodies were accepted`);
	},
};

/** Opens a connection that is in the middle of a body, or of the headers. */
async function open(round: Round, inBody: boolean): Promise<RawConnection> {
	const connection = new RawConnection(round.server.port);
	const headers = { "secret-key": round.adminKey, "content-type": "application/json", "content-length": "100000" };
	const head = requestHead("POST", eventsPath(round), headers);
	await connection.write(inBody ? `${head}{"type":"${TYPE}","data":"` : head.slice(0, -2));
	return connection;
}
