// Lists as the bodies of responses, made in the threads that read: the same as in the server's thread, for every list, view and side.
import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect, it, onTestFinished } from "vitest";

import { systemClock } from "../../adapters/system/system-clock.ts";
import { listReadsOf } from "../../api/resources/list-bodies.ts";
import { readConfig } from "../../config.ts";
import { customerScope, projectOf, type Scope } from "../../core/access/principal.ts";
import type { PageRequest } from "../../core/page.ts";
import { ANY_CHANGE } from "../../ports/contract/store/records/logged.ts";
import { ANY_DELIVERY, ANY_ENTRY, fillStore, NEWEST } from "../../ports/contract/store/records/records.ts";
import type { DeliveryFilter } from "../../ports/store/log.ts";
import type { ListReads, ReadBody } from "../../ports/store/reads/list-reads.ts";
import { openDataDir } from "../data-dir.ts";

const ANY_EVENT = { types: null, after: null, before: null };
const VIEWS = [
	{ content: true, secrets: true },
	{ content: true, secrets: false },
	{ content: false, secrets: false },
];
const SECRETS = { "webhook-signature": "v1,abcdefghijkl v1,mnopqrstuvwx", "x-one": "ünï “✓” \u2028" };

/** A store in its threads with some events, of which one has failed twice, and an audit entry. */
async function open() {
	const dir = new TemporaryDir(fastParent());
	onTestFinished(() => dir[Symbol.dispose]());
	const resources = new AsyncDisposableStack();
	onTestFinished(() => resources.disposeAsync());
	const config = readConfig({ FANFARE_DATA_DIR: dir.path });
	const { store, lists } = await openDataDir(config, systemClock, resources);
	const world = await fillStore(store, 2);
	const { records, accept, update } = world;
	const own = records.webhook(world.projectId, { customerId: "a" });
	await store.insertWebhook(own, records.entry({ projectId: world.projectId }));
	const webhookIds = [...world.webhookIds, own.id];
	const [failed = ""] = await accept({ webhookIds, key: "k", tags: ["ü"], customers: ["a", "b"] });
	for (const number of [1, 2]) {
		const failure = records.failure(failed, number);
		const response = { headers: { "set-cookie": "session=1" }, body: `{"ö": ${number}}`, bodyTruncated: false };
		const attempt = failure.attempt === null ? null : { ...failure.attempt, requestHeaders: SECRETS, response };
		await update({ ...failure, attempt });
	}
	for (let n = 0; n < 5; n++) await accept({ webhookIds, customers: "a" });
	return { ...world, failed, lists };
}

function textOf(body: string | Uint8Array): string {
	return typeof body === "string" ? body : new TextDecoder("utf-8", { fatal: true }).decode(body);
}

it("are what the server's thread would make", async () => {
	const { store, lists: inThreads, scope, failed, webhookId } = await open();
	const customer = customerScope(projectOf(scope), "a");
	const calls = (request: PageRequest): ((lists: ListReads) => Promise<string | Uint8Array>)[] => [
		...[scope, customer].flatMap((own) => [
			(lists: ListReads) => lists.deliveries(own, ANY_DELIVERY, request),
			(lists: ListReads) => lists.events(own, ANY_EVENT, request),
		]),
		(lists) => lists.deliveries(scope, { ...ANY_DELIVERY, webhookId, statuses: ["Pending"] }, request),
		(lists) => lists.changedDeliveries(scope, { ...ANY_CHANGE, statuses: ["Pending"] }, request),
		...VIEWS.map((view) => (lists: ListReads) => lists.attempts(scope, failed, request, view)),
		(lists) => lists.auditEntries(ANY_ENTRY, request),
	];
	const here = listReadsOf(store);
	const seen = new Set<string>();
	for (const request of [NEWEST, { limit: 1, cursor: null }, { limit: 2, cursor: null }]) {
		for (const call of calls(request)) {
			const body = await call(inThreads);
			expect(body).toBeInstanceOf(Uint8Array);
			const text = await call(here);
			expect(textOf(body)).toBe(text);
			seen.add(textOf(text));
		}
	}
	for (const text of seen)
		expect(JSON.parse(text)).toMatchObject({ data: expect.arrayContaining([expect.anything()]) as unknown });
	const [all = "", hidden = "", least = ""] = await Promise.all(
		VIEWS.map(async (view) => textOf(await inThreads.attempts(scope, failed, NEWEST, view))),
	);
	expect(all).toContain("mnopqrstuvwx");
	expect(all).toContain("session=1");
	expect(hidden).not.toContain("mnopqrstuvwx");
	expect(hidden).not.toContain("session=1");
	expect(hidden).toContain("ö");
	expect(least).not.toContain("ö");
});

it("go on from a cursor in both directions", async () => {
	const { store, lists, scope } = await open();
	const { rows } = await store.deliveries(scope, ANY_DELIVERY, NEWEST);
	const middle = rows[7]?.id ?? "";
	const idsNextTo = async (direction: "older" | "newer") => {
		const request = { limit: 2, cursor: { direction, id: middle } };
		const body = textOf(await lists.deliveries(scope, ANY_DELIVERY, request));
		const { data } = JSON.parse(body) as { readonly data: readonly { readonly id: string }[] };
		return data.map(({ id }) => id);
	};
	expect(await idsNextTo("newer")).toEqual(rows.slice(5, 7).map(({ id }) => id));
	expect(await idsNextTo("older")).toEqual(rows.slice(8, 10).map(({ id }) => id));
});

it("are made by the server's thread where no other can be started", async () => {
	const { store, scope } = await open();
	const lists = listReadsOf(store, (async (_name, [own, filter, request]) => ({
		page: await store.deliveries(own as Scope, filter as DeliveryFilter, request as PageRequest),
	})) as ReadBody);
	expect(JSON.parse(textOf(await lists.deliveries(scope, ANY_DELIVERY, NEWEST)))).toHaveProperty("data.length", 18);
});
