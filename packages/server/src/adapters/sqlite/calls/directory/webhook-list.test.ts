// A search among webhooks looks at a bounded number of them, along an index.
import { expect, it } from "vitest";

import { customerScope, projectScope, type Scope } from "../../../../core/access/principal.ts";
import { idTime } from "../../../../core/ids.ts";
import type { PageRequest } from "../../../../core/page.ts";
import { addWebhook, fillStore } from "../../../../ports/contract/store/records/records.ts";
import { ANY_WEBHOOK } from "../../../../ports/contract/store/records/webhooks.ts";
import type { WebhookFilter } from "../../../../ports/store/directory.ts";
import type { Store } from "../../../../ports/store/store.ts";
import { openSqliteStore } from "../../sqlite-store.ts";
import { notePlans, openMemory } from "../../test/plans.ts";
import { createWebhookPage } from "./webhook-list.ts";

/** What each page of a walk has found, or else where it has stopped. */
async function walk(
	store: Store,
	scope: Scope,
	filter: WebhookFilter,
	direction: "older" | "newer",
): Promise<string[]> {
	const passed: string[] = [];
	const oldest = { direction: "newer", id: "webhook_00000000-0000-7000-8000-000000000000" } as const;
	for (let cursor: PageRequest["cursor"] = direction === "newer" ? oldest : null; ;) {
		const page = await store.webhooks(scope, filter, { limit: 10, cursor });
		const { stoppedAt, scannedTo, rows } = page;
		passed.push(...rows.map(({ id }) => id), ...(stoppedAt === undefined ? [] : [stoppedAt]));
		expect(scannedTo).toBe(stoppedAt === undefined ? undefined : idTime(stoppedAt));
		const goesOn = direction === "older" ? page.hasOlder : page.hasNewer;
		if (stoppedAt !== undefined) expect(goesOn).toBe(true);
		if (!goesOn || stoppedAt === undefined) return passed;
		cursor = { direction, id: stoppedAt };
	}
}

it("ends a page early if the metadata of the webhooks that it passes is large, and goes on from there", async () => {
	const store = await openSqliteStore({ path: ":memory:" });
	await using _closing = { [Symbol.asyncDispose]: () => store.close() };
	const { projectId, scope, records } = await fillStore(store, 0);
	const large = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`key${n}`, "x".repeat(512)]));
	const ids: string[] = [];
	for (let n = 0; n < 700; n++, records.now++) {
		const metadata = n === 3 ? { ...large, key7: "here" } : large;
		ids.push((await addWebhook(store, records.webhook(projectId, { metadata, customerId: "acme" }))).id);
	}
	// 26 KB each, and 8 MiB in a page, which is two chunks of 250.
	const filter = { ...ANY_WEBHOOK, metadata: { key7: "here" } };
	for (const one of [scope, customerScope(projectId, "acme")]) {
		expect(await walk(store, one, filter, "older")).toEqual([ids[200], ids[3]]);
		expect(await walk(store, one, filter, "newer")).toEqual([ids[3], ids[499]]);
	}
	// What is not compared is not read.
	expect(await walk(store, scope, { ...ANY_WEBHOOK, text: "nothing" }, "older")).toEqual([]);
});

const PROJECT = `proj_${"0".repeat(32)}`;

/** A database with this many webhooks of a project, and a customer of which `deleted` are deleted. */
function openWebhooks(count: number, deleted: number) {
	const db = openMemory();
	db.exec(`
		INSERT INTO projects (id, workspace_id, name, create_date, number) VALUES (zeroblob(16), zeroblob(16), 'P', 0, 1);
		WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < ${count})
		INSERT INTO webhooks (id, project_id, name, endpoint, max_retries, max_backoff_ms, timeout_ms, metadata, status, header_names,
			secret_hint, create_date, update_date, number, customer_id, delete_date)
		SELECT unhex(printf('%012x7000%016x', n, n)), zeroblob(16), 'W' || n, 'https://a.example/', 1, 1, 1, '{}', 0, '[]', '', 0, 0, n + 1,
			'acme', iif(n < ${deleted}, 1, NULL) FROM n;
		ANALYZE;
	`);
	return db;
}

it("ends a page early after 10,000 webhooks, deleted ones of the customer too", () => {
	using db = openWebhooks(25_000, 12_000);
	const read = createWebhookPage(db);
	const timesOf = (scope: Scope, text: string | null) => {
		const stops: number[] = [];
		for (let cursor: PageRequest["cursor"] = null; ;) {
			const page = read(scope, { ...ANY_WEBHOOK, text }, { limit: 1_000, cursor });
			stops.push(page.scannedTo ?? page.rows.length);
			if (page.stoppedAt === undefined) return stops;
			cursor = { direction: "older", id: page.stoppedAt };
		}
	};
	expect(timesOf(projectScope(PROJECT), "W2500")).toEqual([15_001, 0]);
	expect(timesOf(customerScope(PROJECT, "acme"), "nothing")).toEqual([15_001, 5_001, 0]);
});

it.each([0, 3_000])(
	"walks along the index of the project or of the customer, and sorts nothing, with %d webhooks",
	(count) => {
		using db = openWebhooks(count, 0);
		const plans = notePlans(db);
		const read = createWebhookPage(db);
		plans.length = 0;
		const cursor = { direction: "newer", id: "webhook_00000000-0000-7000-8000-000000000000" } as const;
		const texts = { text: "a", eventType: "a", metadata: { a: "b" } };
		const filter: WebhookFilter = { ...ANY_WEBHOOK, ...texts, statuses: ["Paused"], health: ["Failing"] };
		for (const scope of [projectScope(PROJECT), customerScope(PROJECT, "acme")]) {
			for (const each of [ANY_WEBHOOK, filter]) read(scope, each, { limit: 10, cursor });
		}
		expect(plans.length).toBeGreaterThan(10);
		const others =
			/^(CO-ROUTINE|SCAN \(subquery|LIST SUBQUERY|SCAN json_each|CREATE BLOOM FILTER|SEARCH health USING INTEGER PRIMARY KEY)/;
		const index =
			/^SEARCH webhook USING (COVERING )?INDEX webhooks_by_(project|customer) \(project_id=\?( AND customer_id=\?)? AND id>\? AND id<\?\)$/;
		for (const step of plans.filter((plan) => !others.test(plan))) expect(step).toMatch(index);
	},
);
