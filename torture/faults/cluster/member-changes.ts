// Changes that are made through one process of a cluster, and used through another one at once.
import { pick, shuffle } from "@fanfare/testkit/seeded-random";

import { adoptCreated, askFor, makeProbes, verifyChange, verifyNext } from "../../harness/changes/probes.ts";
import { RotatingKeys } from "../../harness/changes/rotating-keys.ts";
import type { Probe } from "../../harness/changes/setting-changes.ts";
import { clusterFault } from "../../harness/cluster/cluster-fault.ts";
import { burst } from "../../harness/cluster/moving.ts";
import type { Round } from "../../round.ts";

const KEY_ROTATIONS = 2;

export const memberChanges = clusterFault({
	name: "member-changes",
	summary:
		"webhooks are created, changed, paused and deleted through one process: that counts for the very next send through another; keys alike",
	weight: 3,
	async strike(round) {
		const random = round.random("strike");
		const probes = await makeProbes(round, 0);
		await burst(round);
		for (const probe of shuffle(random, probes)) await change(round, probe, random);
		const keys = new RotatingKeys(round);
		await keys.create();
		for (let n = 0; n < KEY_ROTATIONS; n++) {
			await keys.create();
			for (const _ of round.members.all) await keys.send(false);
			await keys.deleteOlder();
			for (const _ of round.members.all) await keys.send(true);
		}
		await keys.verify();
		await keys.verifyAudit();
	},
});

/** Makes the change of a probe through one process, uses it through another one, and looks at it through any. */
export async function change(round: Round, probe: Probe, random: () => number): Promise<void> {
	const [through, next] = shuffle(random, round.members.answering);
	if (through === undefined || next === undefined) throw new Error("a change needs two processes");
	const asked = await askFor(round, probe, through.server);
	if (asked.answer?.status !== 200) throw new Error(`the change of ${probe.name} got ${asked.answer?.status}`);
	const id = probe.record?.id ?? (asked.answer.json as { id: string }).id;
	const made = { ...probe, record: probe.record ?? adoptCreated(round, probe, id) };
	await verifyNext(round, id, made, true, next.server);
	const { server } = pick(random, round.members.answering);
	const webhooks = await Array.fromAsync(server.project.batch.webhooks.list());
	await verifyChange(round, { probe: made, answer: asked.answer }, webhooks);
}
