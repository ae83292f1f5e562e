// The numbers of projects and webhooks.
import { DatabaseSync } from "node:sqlite";

import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect, it } from "vitest";

import { fillStore } from "../../../ports/contract/store/records/records.ts";
import { openSqliteStore } from "../sqlite-store.ts";

it("are not given again when the last project and the last webhook are removed", async () => {
	using dir = new TemporaryDir(fastParent());
	const path = dir.join("fanfare.db");
	let store = await openSqliteStore({ path });
	const { records } = await fillStore(store, 2);
	const addProject = async () => {
		const project = records.project();
		await store.insertProject(project, null);
		await store.insertWebhook(records.webhook(project.id), null);
		return project.id;
	};
	await store.deleteProject(await addProject(), records.now, null);
	while (!(await store.purgeDeletedProjects(null, 100)).done);
	await store.close();
	store = await openSqliteStore({ path });
	await addProject();
	await store.close();
	using db = new DatabaseSync(path);
	const numbersIn = (table: string) => db.prepare(`SELECT number FROM ${table} ORDER BY number`).all();
	expect(numbersIn("projects")).toEqual([{ number: 1 }, { number: 3 }]);
	expect(numbersIn("webhooks")).toEqual([{ number: 1 }, { number: 2 }, { number: 4 }]);
});
