// The contract of changes: a management call writes its change, its audit entry and the raised version together, or nothing.
import { expect, it } from "vitest";

import type { AuditEntry } from "../../../core/access/audit.ts";
import { contents, makeCall } from "./records/calls.ts";
import { DONE_CALLS, type DoneCall } from "./records/done-calls.ts";
import { ANY_ENTRY, NEWEST, type CurrentStore, type World } from "./records/records.ts";
import { REFUSED_CALLS, type RefusedCall } from "./records/refused-calls.ts";
import { openReplayWorld, type ReplayWorld } from "./records/replays.ts";
import { changesSince } from "./records/webhooks.ts";

/** Opens a world with this many webhooks. */
type Open = (webhookCount?: number) => Promise<ReplayWorld>;

export function describeChanges(current: CurrentStore): void {
	const open: Open = (webhookCount) => openReplayWorld(current, webhookCount);

	for (const call of DONE_CALLS) describeDone(open, call);
	for (const call of REFUSED_CALLS) describeRefused(open, call);
	describeReplayLimit(open);
	describeEntriesOfUpdates(open);
}

function describeDone(open: Open, { title, isVariant = false, prepare, raises, returns }: DoneCall): void {
	const raising = raises === "nothing" ? "" : ` raises the version of the ${raises} by one, and`;
	it(`${title}${raising} writes its entry, or changes nothing`, async () => {
		const world = await open(2);
		const { store, records } = world;
		const entry = records.entry();
		const call = await prepare(world, entry);
		// Several commits can have the same entry.
		if (!isVariant && !title.startsWith("commit")) {
			await store.insertAuditEntry(entry);
			const unchanged = await contents(world);
			await expect(makeCall(store, call)).rejects.toMatchObject({ code: "store_conflict" });
			expect(await contents(world)).toEqual(unchanged);
			expect(await store.purgeAuditEntries(entry.at + 1, 1)).toBe(1);
		}
		const before = await versionsOf(world);
		const result = await makeCall(store, call);
		const raised = { ...before, [raises]: (before[raises] ?? 0) + 1 };
		expect(await versionsOf(world)).toEqual(raises === "nothing" ? before : raised);
		expect(result).toEqual(returns === undefined ? raised[raises] : returns);
		expect(await entriesOf(world)).toEqual([entry]);
	});
}

function describeRefused(open: Open, { title, prepare, returns }: RefusedCall): void {
	it(`${title} changes nothing, and writes no entry`, async () => {
		const world = await open(2);
		const call = await prepare(world, world.records.entry());
		const before = await contents(world);
		const result = makeCall(world.store, call);
		if (returns === undefined) await expect(result).rejects.toMatchObject({ code: "store_conflict" });
		else expect(await result).toEqual(returns);
		expect(await contents(world)).toEqual(before);
		expect(before.entries).toEqual([]);
	});
}

/** The versions of the workspace and of the world's project, as all calls that return them agree. */
async function versionsOf({ store, projectId }: World): Promise<Record<string, number | undefined>> {
	const { workspace, projects } = await store.directoryVersions();
	const project = projects.find((each) => each.projectId === projectId)?.version;
	expect((await changesSince(store, projectId, 0)).version).toBe(project);
	return { workspace, project };
}

async function entriesOf({ store }: World): Promise<readonly AuditEntry[]> {
	return (await store.auditEntries(ANY_ENTRY, NEWEST)).rows;
}

function describeReplayLimit(open: Open): void {
	it("counts the running replays of a customer, and of all customers of its project from a customer's second one on", async () => {
		const { store, records, begin, step, makeReplay, addProject } = await open();
		await begin({}, { projectId: (await addProject()).id });
		await step(await begin());
		await store.cancelReplay((await begin()).id, records.now, null);
		const insert = (projectLimit: number, ...customerIds: readonly (string | null)[]) =>
			store.insertReplays(
				customerIds.map((customerId) => {
					const replay = makeReplay({}, { customerId });
					return { replay, limit: 2, projectLimit, entry: null };
				}),
			);
		expect(await insert(3, "acme", null)).toBe(null);
		expect(await insert(3, "globex", "globex")).toBe("project");
		expect(await insert(3, "acme")).toBe(null);
		expect(await insert(9, "acme")).toBe("customer");
		expect(await insert(3, "globex", null)).toBe(null);
		expect(await insert(5, "globex")).toBe("project");
		expect(await insert(6, "globex")).toBe(null);
		expect(await insert(9, null)).toBe("customer");
	});
}

function describeEntriesOfUpdates(open: Open): void {
	it("writes the entry of several updates once, also if they are in several commits, and none for an update without one", async () => {
		const world = await open(2);
		const { records, webhookIds, accept, update } = world;
		const [first = "", ...ids] = [
			...(await accept()),
			...(await accept({ webhookIds })),
			...(await accept({ webhookIds })),
		];
		await update(records.outcome(first, 1));
		expect(await entriesOf(world)).toEqual([]);
		const entry = records.entry();
		const [one, two, three, four] = ids.map((id) => records.cancel(id, entry));
		await update(one!, two!);
		expect(await entriesOf(world)).toEqual([entry]);
		const other = records.entry({ objectId: "dlv_4" });
		await update(three!, { ...four!, entry: other }, { ...four!, entry: records.entry() });
		expect(await entriesOf(world)).toEqual([other, entry]);
	});
}
