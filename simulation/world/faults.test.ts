// What faults strike: the erasure that they are planned for, and calls that open no transaction, too.
import { expect, it } from "vitest";

import { Records } from "../../packages/server/src/ports/contract/store/records/records.ts";
import { Faults } from "./faults.ts";
import { SimObserver } from "./sim-observer.ts";
import { World } from "./world.ts";

const open = (seed: number) => {
	const retention = { retentionDays: 1, payloadRetentionDays: null };
	return World.open({ seed, limits: {}, answersInOrder: true, retention, sharing: null }, null);
};

it("dies in the second step of the erasure that it was planned for, and of no other one", () => {
	const faults = new Faults();
	faults.plan({ kind: "dying in erasure", executed: true, eventId: "evt_1" });
	expect(faults.fateOf("continueErasure", [{ eventId: "evt_2" }])).toEqual({ kind: "fine" });
	expect(faults.fateOf("erasePayload", [{}, "evt_1"])).toEqual({ kind: "fine" });
	expect(faults.fateOf("continueErasure", [{ eventId: "evt_1" }])).toEqual({ kind: "dies", executed: true });
	expect(faults.fateOf("continueErasure", [{ eventId: "evt_1" }])).toEqual({ kind: "fine" });
});

it("lets a call fail that opens no transaction, and one that does with nothing written", async () => {
	const { store, commits } = await open(1);
	const project = new Records().project();
	const fails = { code: "store_full" };
	await expect(commits.during("store_full", () => Promise.resolve(1))).rejects.toMatchObject(fails);
	await expect(commits.during("store_full", () => store.insertProject(project, null))).rejects.toMatchObject(fails);
	expect(await store.projects()).toEqual([]);
	await commits.during(null, () => store.insertProject(project, null));
	expect(await store.projects()).toMatchObject([{ id: project.id }]);
	expect(await commits.during(null, () => Promise.resolve(1))).toBe(1);
	await store.close();
});

it("takes a pause of attempts for expected only in a world that lacks descriptors", async () => {
	const breaches = new Map<boolean, number>();
	for (let seed = 0; breaches.size < 2; seed++) {
		const world = await open(seed);
		new SimObserver(world).problem("attempts pause: EMFILE", new Error("EMFILE"));
		breaches.set(world.hasShortages, world.breaches.length);
		await world.store.close();
	}
	expect(breaches).toEqual(
		new Map([
			[true, 0],
			[false, 1],
		]),
	);
});
