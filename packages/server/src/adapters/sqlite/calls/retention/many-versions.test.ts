// Steps that delete webhooks are bounded by their rows, of which a webhook can have a hundred.
import { expect, it } from "vitest";

import { fillStore } from "../../../../ports/contract/store/records/records.ts";
import { openSqliteStore } from "../../sqlite-store.ts";

const VERSIONS = 40;

/** A project with webhooks that were moved often. */
async function openMoved(count: number) {
	const { store, records } = await fillStore(await openSqliteStore({ path: ":memory:" }));
	const project = records.project();
	await store.insertProject(project, null);
	const ids: string[] = [];
	for (let n = 0; n < count; n++) {
		const webhook = records.webhook(project.id);
		ids.push(webhook.id);
		let revision = Number(await store.insertWebhook(webhook, null));
		for (let version = 1; version < VERSIONS; version++) {
			const moved = { ...webhook, endpoint: `https://example.com/${version}`, revision };
			revision = Number(await store.updateWebhook(moved, { expected: revision, entry: null }));
		}
	}
	await store.deleteProject(project.id, records.now, null);
	const left = async () => (await store.webhookRecords(ids)).length;
	return { store, left, [Symbol.asyncDispose]: () => store.close() };
}

it("a step for a deleted project removes no further webhook once it has removed as many rows as it should", async () => {
	await using moved = await openMoved(4);
	const { store, left } = moved;
	const counts: number[] = [];
	for (let done = false; !done;) {
		({ done } = await store.purgeDeletedProjects(null, VERSIONS));
		counts.push(await left());
	}
	expect(counts.slice(0, 4)).toEqual([3, 2, 1, 0]);
});

it("a step over all webhooks ends early when it has removed a thousand rows, and the next one goes on", async () => {
	await using moved = await openMoved(30);
	const { store, left } = moved;
	const after = await store.purgeDeletedWebhooks(null, 200, Infinity);
	expect(after).not.toBeNull();
	expect(await left()).toBe(30 - Math.ceil(1_000 / (VERSIONS + 2)));
	expect(await store.purgeDeletedWebhooks(after, 200, Infinity)).toBeNull();
	expect(await left()).toBe(0);
});
