// Webhooks are created, changed, paused, resumed and deleted, and the server is killed as soon as some of the changes are acknowledged.
import type { Webhook } from "@fanfare/sdk";
import { shuffle } from "@fanfare/testkit/seeded-random";

import type { Fault } from "../../fault.ts";
import {
	askFor,
	IN_FLIGHT_TYPE,
	makeProbes,
	sendToEach,
	verifyChange,
	type Asked,
} from "../../harness/changes/probes.ts";
import type { Probe } from "../../harness/changes/setting-changes.ts";
import { rawEvent, sendRawBatch } from "../../harness/raw-sends.ts";
import type { Round } from "../../round.ts";

const KILLS = 2;
/** Events for all probes that are on their way when the changes are made. */
const IN_FLIGHT = 8;
export const killChanges: Fault = {
	name: "kill-changes",
	summary:
		"SIGKILL as soon as changes of webhooks are acknowledged: these count for the next delivery, others are whole or not made",
	weight: 2,
	strike: async (round) => {
		for (let n = 0; n < KILLS; n++) {
			const probes = await makeProbes(round, n);
			await sendToEach(round, probes, "old");
			const asked = await killWhileChanging(round, probes, n);
			const killedAt = Date.now();
			await round.restart();
			const webhooks = await Array.fromAsync(round.project.batch.webhooks.list());
			await Promise.all(asked.map((each) => verifyChange(round, each, webhooks)));
			for (const { probe } of asked) verifySilence(round, probe, webhooks, killedAt);
		}
	},
};

/** Makes all changes at once, and kills the server when some of them have been answered. */
async function killWhileChanging(round: Round, probes: readonly Probe[], kill: number): Promise<Asked[]> {
	const random = round.random(`changes ${kill}`);
	const wanted = 1 + Math.floor(random() * (probes.length - 1));
	const enough = Promise.withResolvers<void>();
	let answered = 0;
	await sendRawBatch(
		round,
		Array.from({ length: IN_FLIGHT }, () => rawEvent(round, IN_FLIGHT_TYPE)),
	);
	const asked = shuffle(random, probes).map(async (probe): Promise<Asked> => {
		const answer = await askFor(round, probe);
		if (++answered === wanted) enough.resolve();
		return answer;
	});
	await enough.promise;
	await round.kill();
	return Promise.all(asked);
}

/** Nothing arrives at the old endpoint, or at that of a paused or deleted webhook. */
function verifySilence(round: Round, probe: Probe, webhooks: readonly Webhook[], since: number): void {
	const { name, change, record } = probe;
	const webhook = webhooks.find(({ id }) => id === record?.id);
	if (change.silencesPath !== true || !change.parts(webhook, probe).every(Boolean)) return;
	const late = round.receiver.requests.filter(({ path, receivedAt }) => path === `/${name}` && receivedAt > since);
	round.expect(late.length === 0, `${name}: ${late.length} requests arrived at its old endpoint after the change`);
}
