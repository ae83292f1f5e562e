// Senders send JSON that breaks off, and JSON that is nested deeply.
import type { Fault } from "../../fault.ts";
import { PROMPT_MS } from "../../harness/hostile.ts";
import { countEvents, eventsPath, rawEvent, sendRaw } from "../../harness/raw-sends.ts";

const REQUESTS = 60;
const TYPE = "broken.event";

export const senderTruncatedJson: Fault = {
	name: "sender-truncated-json",
	summary: "JSON that breaks off anywhere: 400, and nothing is accepted",
	weight: 1,
	setUp: async (round) => void (round.promptWithinMs = PROMPT_MS),
	strike: async (round) => {
		const random = round.random("truncated");
		for (let n = 0; n < REQUESTS; n++) {
			const { body } = rawEvent(round, TYPE, '{"a":[1,2,{"b":"c\\u00e9"}],"d":null}');
			const cut = body.slice(0, 1 + Math.floor(random() * (body.length - 1)));
			const { status } = await round.server.call("POST", eventsPath(round), cut);
			round.expect(status === 400, `${cut} got ${status} instead of 400`);
		}
		await round.load(40);
	},
	verify: async (round) => {
		const count = await countEvents(round, TYPE);
		round.expect(count === 0, `${count} events with broken JSON were accepted`);
	},
};

const DEPTHS = [100, 5_000, 100_000];

export const senderDeepJson: Fault = {
	name: "sender-deep-json",
	summary: "JSON up to 100,000 levels deep: refused, or accepted and delivered like any other event",
	weight: 1,
	setUp: async (round) => void (round.promptWithinMs = PROMPT_MS),
	strike: async (round) => {
		for (const depth of DEPTHS) {
			for (const [open, close] of [
				["[", "]"],
				['{"a":', "}"],
			] as const) {
				const levels = Math.min(depth, Math.floor(200_000 / (open.length + close.length)));
				const event = rawEvent(round, "deep.event", `${open.repeat(levels)}1${close.repeat(levels)}`);
				const { status } = await sendRaw(round, event);
				round.expect(status === 202 || status === 400, `${levels} levels of ${open} got ${status}`);
			}
		}
		await round.load(40);
	},
};
