// A page of the audit log looks at a bounded number of entries, along an index, and at those of no other project.
import * as fc from "fast-check";
import { expect, it } from "vitest";

import type { AuditEntry } from "../../../core/access/audit.ts";
import { idTime } from "../../../core/ids.ts";
import type { PageRequest } from "../../../core/page.ts";
import { ANY_ENTRY, NEWEST, Records } from "../../../ports/contract/store/records/records.ts";
import { createTransact } from "../connection.ts";
import { notePlans, openMemory } from "../test/plans.ts";
import { createAuditReads, createWriteEntry } from "./audit.ts";

const PLACES = [0, 11_000, 22_000];

function openLog() {
	const db = openMemory();
	const writeEntry = createWriteEntry(db);
	const transact = createTransact(db);
	const { auditEntries: read } = createAuditReads(db);
	const write = (entries: Iterable<AuditEntry>) =>
		transact(() => {
			for (const entry of entries) writeEntry(entry);
		});
	return { records: new Records(), write, read, plans: notePlans(db), [Symbol.dispose]: () => db.close() };
}

it("ends early if few entries match several filters, says how far it has looked, and goes on in both directions", () => {
	using log = openLog();
	const { records } = log;
	const projectId = records.project().id;
	const entries = Array.from({ length: 22_001 }, (_, n) => {
		records.now++;
		return records.entry({ projectId, action: PLACES.includes(n) ? "rare" : "usual" });
	});
	const before = records.entry();
	log.write([...entries, before]);
	const wanted = PLACES.map((place) => entries[place]?.id);
	const walk = (direction: "older" | "newer") => {
		const ids: string[] = [];
		const first = entries[1]?.id ?? "";
		let cursor: PageRequest["cursor"] = direction === "older" ? null : { direction, id: first };
		for (let pages = 1; ; pages++) {
			const page = log.read({ ...ANY_ENTRY, projectId, action: "rare" }, { limit: 10, cursor });
			const found = page.rows.map(({ id }) => id);
			ids.push(...(direction === "older" ? found : found.toReversed()));
			const { stoppedAt, scannedTo } = page;
			expect(scannedTo).toBe(stoppedAt === undefined ? undefined : idTime(stoppedAt));
			expect(direction === "older" ? page.hasOlder : page.hasNewer).toBe(stoppedAt !== undefined);
			if (cursor !== null) expect(direction === "older" ? page.hasNewer : page.hasOlder).toBe(true);
			if (stoppedAt === undefined) return { ids, pages };
			cursor = { direction, id: stoppedAt };
		}
	};
	expect(walk("older")).toEqual({ ids: wanted.toReversed(), pages: 3 });
	expect(walk("newer")).toEqual({ ids: wanted.slice(1), pages: 3 });
	// A page that is full before that ends as every page does.
	expect(log.read({ ...ANY_ENTRY, projectId, action: "usual" }, { limit: 10, cursor: null })).toMatchObject({
		hasOlder: true,
		rows: { length: 10 },
	});
});

it("does not look at the entries of other projects, however many they are", () => {
	using log = openLog();
	const { records } = log;
	const [projectId, other] = [records.project().id, records.project().id];
	const keyId = records.ids.make("key", records.now);
	const shared = { keyId, objectId: "user.created", action: "event_type.put" };
	const own = records.entry({ ...shared, projectId });
	log.write([own, ...Array.from({ length: 10_500 }, () => records.entry({ ...shared, projectId: other }))]);
	for (const filter of [{ keyId }, { objectId: shared.objectId }, { action: shared.action }, shared]) {
		const page = log.read({ ...ANY_ENTRY, projectId, ...filter }, NEWEST);
		const names = { keyNames: new Map(), objectNames: new Map() };
		expect(page).toEqual({ rows: [own], ...names, hasNewer: false, hasOlder: false });
	}
});

it("walks along one index with every combination of filters, and sorts nothing", () => {
	using log = openLog();
	const { records } = log;
	const unique = `webhook_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77`;
	const projectId = records.project().id;
	const keyId = records.ids.make("key", 1);
	const cursor = records.entry().id;
	// There is something to look at for each filter.
	for (const objectId of ["user.created", unique])
		log.write([records.entry({ objectId, projectId, keyId, action: "a.b" })]);
	const maybe = <T>(value: T) => fc.constantFrom(null, value);
	const filters = fc.record({
		objectId: fc.constantFrom(null, "user.created", unique),
		projectId: maybe(projectId),
		keyId: maybe(keyId),
		action: maybe("a.b"),
	});
	fc.assert(
		fc.property(filters, fc.constantFrom("older" as const, "newer" as const), (filter, direction) => {
			log.read({ ...ANY_ENTRY, ...filter }, { limit: 10, cursor: { direction, id: cursor } });
		}),
		{ numRuns: 200 },
	);
	const steps = log.plans.filter((plan) => !/^(CO-ROUTINE|SCAN \(subquery)/.test(plan));
	expect(steps.length).toBeGreaterThan(25);
	for (const step of steps) {
		expect(step).toMatch(
			/^SEARCH audit_entries USING ((COVERING )?INDEX audit_entries_by_\w+ \(\w+=\? AND id>\? AND id<\?\)|(INDEX sqlite_autoindex_audit_entries_1|PRIMARY KEY) \(id>\? AND id<\?\))$/,
		);
	}
});
