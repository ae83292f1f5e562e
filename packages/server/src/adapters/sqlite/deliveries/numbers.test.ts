// The numbers of projects, webhooks, events and deliveries: none is given a second time.
import { DatabaseSync } from "node:sqlite";

import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect, it } from "vitest";

import { fillStore } from "../../../ports/contract/store/records/records.ts";
import { openSqliteStore } from "../sqlite-store.ts";

it("are not given again when the last project, webhook and event are deleted, so that a key leads to no other event", async () => {
	using dir = new TemporaryDir(fastParent());
	const path = dir.join("fanfare.db");
	let store = await openSqliteStore({ path });
	const { records, projectId, webhookId, purge } = await fillStore(store, 2);
	const addProject = async () => {
		const project = records.project();
		await store.insertProject(project, null);
		await store.insertWebhook(records.webhook(project.id), null);
		return project.id;
	};
	const keyed = () => records.event(projectId, { key: "once", webhookIds: [webhookId] });
	const first = keyed();
	await store.commit({ events: [first], updates: first.deliveries.map(({ id }) => records.outcome(id, 1)) });
	records.now += 1_000;
	await purge("purgeEvents", records.now);
	await store.deleteProject(await addProject(), records.now, null);
	while (!(await store.purgeDeletedProjects(null, 100)).done);
	await store.close();

	store = await openSqliteStore({ path });
	await addProject();
	await store.commit({ events: [records.event(projectId, { webhookIds: [webhookId] })], updates: [] });
	expect((await store.commit({ events: [keyed()], updates: [] })).events).toEqual([{ kind: "accepted" }]);
	await store.close();
	using db = new DatabaseSync(path);
	const numbersIn = (table: string) =>
		db
			.prepare(`SELECT number FROM ${table} ORDER BY number`)
			.all()
			.map(({ number }) => number);
	expect(numbersIn("projects")).toEqual([1, 3]);
	expect(numbersIn("webhooks")).toEqual([1, 2, 4]);
});
