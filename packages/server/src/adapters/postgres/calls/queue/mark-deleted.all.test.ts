// The marks of a deleted project's webhooks beside a snapshot that was taken before, such as that of a long read or a backup.
import { expect, it } from "vitest";

import { addWebhook, fillStore } from "../../../../ports/contract/store/records/records.ts";
import type { MarkPlace } from "../../../../ports/store/queue.ts";
import { describeOnPostgres } from "../../test/on-postgres.ts";
import { STEADY } from "../../test/test-store.ts";

const WEBHOOKS = 300;
const STEP = 25;
/** Entries that were found in the index of webhooks that are not deleted, whether a snapshot shows their rows or not. */
const ENTRIES = "SELECT idx_tup_read AS entries FROM pg_stat_all_indexes WHERE indexrelname = 'webhooks_by_project'";
/** What a connection has counted can be seen by others when it has ended. */
const CONNECTIONS = `
	SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'fanfare'
`;

describeOnPostgres("marking the webhooks of a deleted project", { settings: STEADY }, (database) => {
	it.each(["of the project that is named", "of any"])("looks at each of them once, in steps: %s", async (which) => {
		const { store, projectId, records } = await fillStore(await database.openEmpty());
		const ask = async (sql: string) => (await database.query(sql))[0] ?? {};
		// The project has one already.
		for (let n = 1; n < WEBHOOKS; n++) await addWebhook(store, records.webhook(projectId));
		const other = records.project();
		await store.insertProject(other, null);
		for (let n = 0; n < 2 * STEP; n++) await addWebhook(store, records.webhook(other.id));
		await using reader = await database.connect();
		await reader.query("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM webhooks LIMIT 1");
		await store.deleteProject(projectId, records.now, null);
		await store.close();
		await expect.poll(() => ask(CONNECTIONS)).toEqual({ count: 0 });
		const before = Number((await ask(ENTRIES))["entries"]);

		const own = await database.open();
		let steps = 0;
		const first: MarkPlace = { projectId: which === "of any" ? null : projectId, after: null };
		for (let place: MarkPlace | null = first; place !== null; steps++) {
			place = (await own.markWebhooksDeleted(place, STEP)).next;
		}
		await own.close();
		await expect.poll(() => ask(CONNECTIONS)).toEqual({ count: 0 });
		expect(steps).toBe(WEBHOOKS / STEP + 1);
		const read = Number((await ask(ENTRIES))["entries"]) - before;
		expect(read).toBeGreaterThanOrEqual(WEBHOOKS);
		// Whether there is another project with webhooks to mark is seen by looking at all entries once more.
		expect(read).toBeLessThan((which === "of any" ? 2 * WEBHOOKS : WEBHOOKS) + STEP);
		expect(await ask("SELECT count(*)::int AS count FROM webhooks WHERE delete_date IS NULL")).toEqual({
			count: 2 * STEP,
		});
	});
});
