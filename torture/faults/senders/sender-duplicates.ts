// Many senders use the same idempotency key at the same time.
import type { Fault } from "../../fault.ts";
import { countEvents, eventsPath, recordAcknowledged, rawEvent, sendRaw } from "../../harness/raw-sends.ts";
import type { Round } from "../../round.ts";

const KEYS = 12;
const AT_ONCE = 20;
const TYPE = "twin.event";

export const senderDuplicates: Fault = {
	name: "sender-duplicates",
	summary: "20 concurrent sends with one idempotency key: one event; with other content: 409",
	weight: 1,
	strike: async (round) => {
		for (let n = 0; n < KEYS; n++) {
			const event = rawEvent(round, TYPE, "1", `twin-${n}`);
			await sendTwins(round, event.body, event.n);
			const other = await sendRaw(round, rawEvent(round, TYPE, "2", `twin-${n}`));
			const { code } = other.json as { code?: string };
			round.expect(
				other.status === 409 && code === "idempotency_conflict",
				`other content with a used key got ${other.status} ${code}`,
			);
		}
		await round.load(30);
	},
	verify: async (round) => {
		const count = await countEvents(round, TYPE);
		round.expect(count === KEYS, `${KEYS} keys made ${count} events`);
	},
};

async function sendTwins(round: Round, body: string, n: number): Promise<void> {
	const sentAt = Date.now();
	const send = () => round.server.call("POST", eventsPath(round), body);
	const answers = await Promise.all(Array.from({ length: AT_ONCE }, send));
	const events = answers.map(({ json }) => json as { id: string; duplicate: boolean });
	const ids = new Set(events.map(({ id }) => id));
	const firsts = events.filter(({ duplicate }) => !duplicate).length;
	round.expect(
		answers.every(({ status }) => status === 202) && ids.size === 1 && firsts === 1,
		`${AT_ONCE} sends with one key made ${ids.size} events, and ${firsts} were not called duplicates`,
	);
	for (const id of ids) recordAcknowledged(round, { type: TYPE, n }, id, sentAt);
}
