import { eventually } from "@fanfare/testkit/eventually";

import type { Fault } from "../../fault.ts";
import { addHostile, PROMPT_MS } from "./hostile.ts";

const NAME = "changing.torture.test";
/** A look-up is kept for five seconds. */
const SECOND_LOOKUP_MS = 15_000;

export const namesChange: Fault = {
	name: "names-change",
	summary: "a name that resolves to an allowed address first and to a blocked one later",
	weight: 0.5,
	setUp: async (round) => {
		round.promptWithinMs = PROMPT_MS;
		round.hostileEvents = Infinity;
		await round.canaries.watch(round.receiver.port);
		round.control.setName(NAME, [["127.0.0.1"], ["127.0.0.2"]]);
		await addHostile(round, {
			endpoint: `http://${NAME}:${round.receiver.port}/hostile`,
			// Each request needs a connection of its own, and so the name.
			act: () => ({ answer: { status: 200, close: true }, status: 200 }),
			mayEnd: () => ["Succeeded", "Failed"],
		});
	},
	strike: async (round) => {
		const second = () => round.control.lookups(NAME) >= 2;
		await eventually("the name to be looked up again", second, SECOND_LOOKUP_MS);
		await round.load(40);
	},
	verify: async (round) => {
		const { id } = round.webhook("hostile");
		const deliveries = await Array.fromAsync(round.project.deliveries.list({ webhookId: id }));
		const [last] = deliveries;
		const ended = new Set(deliveries.map(({ status }) => status));
		round.expect(ended.has("Succeeded"), "nothing came while the name was allowed");
		round.expect(last?.status === "Failed", "the last delivery did not fail, although the name is blocked now");
		const attempts = last === undefined ? [] : (await round.project.deliveries.get(last.id)).attempts;
		round.expect(
			attempts.at(-1)?.error === "blocked_address",
			`the last attempt ended as ${String(attempts.at(-1)?.error)} instead of blocked_address`,
		);
	},
};
