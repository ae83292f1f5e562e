// The contract of the keys of a deleted project, however many there are: the mark of the project deletes them for every call, and their rows go
// later, in steps.
import { expect, it } from "vitest";

import { ANY_ENTRY, fillStore, NEWEST, type CurrentStore, type Reopen } from "./records/records.ts";
import { ALONE, link, session } from "./sessions.contract.ts";

const COUNT = 7;
const CONFLICT = { code: "store_conflict" };

/** A second project with keys, the first of which has three sessions and two sign-in links, and a key of the workspace with one each. */
async function openWorld(current: CurrentStore) {
	const world = await fillStore(current());
	const { store, records } = world;
	const project = records.project();
	await store.insertProject(project, null);
	const other = records.key("write");
	await store.insertKey(other, null);
	const keys = Array.from({ length: COUNT }, (_, n) => ({ ...records.key("write", project.id), name: `Key ${n}` }));
	const revisions: number[] = [];
	for (const key of keys) revisions.push(Number(await store.insertKey(key, null)));
	const [first] = keys;
	await store.insertAuditEntry(records.entry({ keyId: first!.id, projectId: project.id }));
	for (const key of [first!, first!, first!, other]) await store.insertSession(session(records, key), ALONE);
	for (const key of [first!, first!, other]) {
		await store.insertSignInLink(link(records, key), { replaces: [], entry: null });
	}
	await store.noteKeyUses([...keys, other].map(({ id }) => ({ keyId: id, at: 5 })));
	const remove = () => store.deleteProject(project.id, records.now, null);
	const left = async () => ({
		keys: (await store.keys()).filter(({ projectId }) => projectId === project.id).length,
		sessions: (await store.sessions(null, 10)).map(({ keyId }) => keyId),
		links: (await store.signInLinks(null, 10)).map(({ keyId }) => keyId),
		uses: (await store.keyUses()).map(({ keyId }) => keyId),
	});
	const gone = { keys: 0, sessions: [other.id], links: [other.id], uses: [other.id] };
	return { ...world, project, other, keys, first: first!, revisions, remove, left, gone };
}

export function describeDeletedKeys(current: CurrentStore, reopen: Reopen | null): void {
	it("the keys of a deleted project, their sessions, links and uses are gone at once for every call", async () => {
		const { store, records, project, keys, first, revisions, remove, left, gone } = await openWorld(current);
		const limit = (await store.keys()).length;
		await remove();
		expect(await left()).toEqual(gone);
		const options = { expected: revisions[0]!, entry: records.entry() };
		expect(await store.updateKey({ ...first, name: "changed" }, options)).toBeNull();
		expect(await store.deleteKey(first.id, records.entry())).toBe("not_found");
		await expect(store.insertSession(session(records, first), ALONE)).rejects.toMatchObject(CONFLICT);
		const linked = store.insertSignInLink(link(records, first), { replaces: [], entry: null });
		await expect(linked).rejects.toMatchObject(CONFLICT);
		await store.noteKeyUses([{ keyId: first.id, at: 9 }]);
		await expect(store.insertKey(records.key("read", project.id), null)).rejects.toMatchObject(CONFLICT);
		expect(await left()).toEqual(gone);
		// The limit does not count them, and one of them can be set again.
		const again = { ...records.key("admin"), digest: keys[1]!.digest };
		const results = [await store.insertKey(again, null, limit)];
		for (let n = 1; n < COUNT; n++) results.push(await store.insertKey(records.key("read"), null, limit));
		expect(results).not.toContain("full");
		expect(await store.insertKey(records.key("read"), null, limit)).toBe("full");
		expect((await store.keys()).map(({ id }) => id)).toContain(again.id);
	});

	it("their rows go in steps of a bounded size, and their names stay as long as an entry needs them", async () => {
		const { store, records, project, keys, remove, left, gone } = await openWorld(current);
		expect(await store.removeKeysOfDeleted(project.id, 2)).toBe(false);
		expect(await store.removeKeysOfDeleted(null, 2)).toBe(false);
		expect((await left()).keys).toBe(COUNT);
		await remove();
		let steps = 0;
		while (await store.removeKeysOfDeleted(null, 2)) {
			steps++;
			expect(await left()).toEqual(gone);
		}
		// Two for the sessions, one for the links, and four for the keys.
		expect(steps).toBe(7);
		expect(await store.removeKeysOfDeleted(project.id, 2)).toBe(false);
		const { keyNames } = await store.auditEntries({ ...ANY_ENTRY, projectId: project.id }, NEWEST);
		expect([...keyNames]).toEqual([[keys[0]!.id, "Key 0"]]);
		// Their ids are free, so no row is left.
		const next = records.project();
		await store.insertProject(next, null);
		for (const key of keys) await store.insertKey({ ...key, projectId: next.id }, null);
		expect((await left()).sessions).toEqual(gone.sessions);
	});

	it("the project itself goes after their rows, in bounded steps, too", async () => {
		const { store, records, project, keys, remove } = await openWorld(current);
		await remove();
		expect(await store.removeKeysOfDeleted(project.id, 2)).toBe(true);
		let steps = 0;
		while (!(await store.purgeDeletedProjects(null, 2)).done) steps++;
		expect(steps).toBeGreaterThanOrEqual(7);
		await store.insertProject({ ...project, createDate: records.now }, null);
		for (const key of keys) await store.insertKey(key, null);
		expect((await store.keys()).filter(({ projectId }) => projectId === project.id)).toHaveLength(COUNT);
	});

	it.skipIf(reopen === null)("they stay gone, and their rows go on going, after a restart at each step", async () => {
		const world = await openWorld(current);
		await world.remove();
		let steps = 0;
		for (let goesOn = true; goesOn; steps++) {
			await reopen?.();
			const store = current();
			const shown = (await store.keys()).filter(({ projectId }) => projectId === world.project.id);
			expect([shown, (await store.sessions(null, 10)).length]).toEqual([[], 1]);
			goesOn = await store.removeKeysOfDeleted(null, 2);
		}
		expect(steps).toBe(8);
	});
}
