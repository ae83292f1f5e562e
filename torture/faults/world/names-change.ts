// A webhook's name resolves to a blocked address after it resolved to an allowed one.

import type { Fault } from "../../fault.ts";
import { addHostile, PROMPT_MS } from "../../harness/hostile.ts";

const NAME = "changing.torture.test";
/** The server caches a look-up for five seconds. */
const SECOND_LOOKUP_MS = 15_000;

export const namesChange: Fault = {
	name: "names-change",
	summary: "a name that first resolves to an allowed address and later to a blocked one",
	weight: 0.5,
	setUp: async (round) => {
		round.promptWithinMs = PROMPT_MS;
		round.hostileEvents = Infinity;
		await round.canaries.watch(round.receiver.port);
		round.world.setName(NAME, [["127.0.0.1"], ["127.0.0.2"]]);
		await addHostile(round, {
			endpoint: `http://${NAME}:${round.receiver.port}/hostile`,
			// Each request needs a new connection, and so a look-up of the name.
			act: () => ({ answer: { status: 200, close: true }, status: 200 }),
			mayEnd: () => ["Succeeded", "Failed"],
		});
	},
	strike: async (round) => {
		const second = () => round.world.lookups(NAME) >= 2;
		round.expect((await round.time.within(SECOND_LOOKUP_MS, second)) !== null, "the name was not looked up again");
		await round.load(40);
	},
	verify: async (round) => {
		const { id } = round.webhook("hostile");
		const deliveries = await Array.fromAsync(round.project.deliveries.list({ webhookId: id }));
		const [last] = deliveries;
		const ended = new Set(deliveries.map(({ status }) => status));
		round.expect(ended.has("Succeeded"), "nothing was delivered while the name resolved to an allowed address");
		round.expect(
			last?.status === "Failed",
			"the last delivery did not fail, although the name resolves to a blocked address now",
		);
		const attempts = last === undefined ? [] : (await round.project.deliveries.get(last.id)).attempts;
		round.expect(
			attempts.at(-1)?.error === "blocked_address",
			`the last attempt ended as ${String(attempts.at(-1)?.error)} instead of blocked_address`,
		);
	},
};
