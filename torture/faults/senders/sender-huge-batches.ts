// Senders send batches at the limits and above them.
import type { Fault } from "../../fault.ts";
import { countEvents, rawEvent, sendRawBatch } from "../../harness/raw-sends.ts";

const MOST = 1_000;
const MIB = 1_024 * 1_024;
const TOO_MANY = "toomany.event";
const TOO_LARGE = "toolarge.event";

export const senderHugeBatches: Fault = {
	name: "sender-huge-batches",
	summary: "batches of 1,000 events and of 4 MiB, which are accepted, and larger ones, which are refused as a whole",
	weight: 1,
	strike: async (round) => {
		const batch = (type: string, count: number, more?: string) =>
			Array.from({ length: count }, () => rawEvent(round, type, more));
		const most = await sendRawBatch(round, batch("bulk.event", MOST));
		round.expect(most.status === 202, `a batch of ${MOST} got ${most.status}`);
		const large = JSON.stringify("x".repeat(200 * 1_024));
		const full = await sendRawBatch(round, batch("bulk.event", 20, large));
		round.expect(full.status === 202, `a batch of 4 MiB got ${full.status}`);
		const tooMany = await sendRawBatch(round, batch(TOO_MANY, MOST + 1));
		round.expect(tooMany.status === 413, `a batch of ${MOST + 1} got ${tooMany.status}`);
		const tooLarge = await sendRawBatch(round, batch(TOO_LARGE, 1), " ".repeat(5 * MIB));
		round.expect(tooLarge.status === 413, `a batch of more than 5 MiB got ${tooLarge.status}`);
	},
	verify: async (round) => {
		for (const type of [TOO_MANY, TOO_LARGE]) {
			const count = await countEvents(round, type);
			round.expect(count === 0, `${count} events of a refused batch were accepted`);
		}
	},
};
