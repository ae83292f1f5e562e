// The rows of version 0.1 are moved to the tables of today: nothing is lost or changed, wherever the move is interrupted.
import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

import { testSeed } from "@fanfare/testkit/seeded-random";
import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

import { projectScope } from "../../../core/access/principal.ts";
import { plainDelivery } from "../../../ports/contract/store/records/logged.ts";
import { ANY_DELIVERY, NEWEST } from "../../../ports/contract/store/records/records.ts";
import type { Store } from "../../../ports/store/store.ts";
import { idTime } from "../codec/ids.ts";
import { bytesOrNull, number, rowId, type Row } from "../codec/rows.ts";
import { openConnection } from "../connection.ts";
import { openSqliteStore } from "../sqlite-store.ts";
import { startChild } from "../test/child-process.ts";
import { migrate, readMigrations } from "./migrate.ts";
import type { MoveOptions, MoveProgress } from "./move-rows.ts";
import { fillFormerStore, type FormerStoreOptions } from "./test/former-store.ts";
import { asAccepted, readFormerLog, readLog, type WholeLog } from "./test/whole-log.ts";
import { upgrade } from "./upgrade.ts";

const CASES = 40;
const FORMER_MIGRATIONS = 9;

describe("a store of version 0.1", () => {
	it("has the same log, bodies, attempts and due times after its rows are moved, in steps of any size", async () => {
		const seed = testSeed();
		for (let n = 0; n < CASES; n++) {
			using former = makeFormer(seed + n, { size: 40 });
			const limits = n % 5 === 4 ? undefined : { rows: 1 + (n % 4), bytes: 1 + 30 * (n % 3) };
			move(former.path, limits === undefined ? {} : { limits });
			const store = await openSqliteStore({ path: former.path });
			const moved = await readLog(store, Object.keys(former.log.events));
			expect(moved, `seed ${seed + n}`).toEqual(former.log);
			await expectSameDates(store, former.log, seed + n);
			await store.close();
			using db = new DatabaseSync(former.path);
			expect(issuesOf(db), `seed ${seed + n}`).toEqual([]);
			expect(db.prepare(KEYS).all(), `seed ${seed + n}`).toEqual(former.keys);
			expectSamePlaces(db, former.replays, seed + n);
		}
	});

	it("is the same wherever the move was interrupted, and however often", () => {
		const seed = testSeed();
		for (let n = 0; n < 4; n++) {
			using whole = makeFormer(seed + n, { size: 40 });
			using pieces = makeFormer(seed + n, { size: 40 });
			const limits = { rows: 1 + (n % 2), bytes: 60 };
			move(whole.path, { limits });
			let interruptions = 0;
			while (!completes(() => move(pieces.path, { limits, onProgress: endAfter(1) }))) interruptions++;
			expect(interruptions).toBeGreaterThan(10);
			expect(dump(pieces.path), `seed ${seed + n}`).toEqual(dump(whole.path));
		}
	});

	it("is unchanged by a step that fails halfway, also by the last one", () => {
		const seed = testSeed();
		const tables = ["events", "deliveries", "attempts", "idempotency_keys", "replays"];
		using whole = makeFormer(seed, { size: 200 });
		using broken = makeFormer(seed, { size: 200 });
		move(whole.path);
		for (const table of tables) {
			using db = new DatabaseSync(broken.path);
			migrate(db, 0);
			const change = table === "replays" ? "UPDATE" : "INSERT";
			const before = dump(broken.path);
			db.exec(`
				CREATE TEMP TABLE counted (n INTEGER); INSERT INTO counted VALUES (0);
				CREATE TEMP TRIGGER broken BEFORE ${change} ON main.${table} BEGIN
					UPDATE counted SET n = n + 1; SELECT RAISE(ABORT, 'broken') FROM counted WHERE n = 2;
				END;
			`);
			// The rows of the other tables, whose turn came before, are moved.
			expect(() => upgrade(db, { path: broken.path, now: 0 }), `the table ${table}`).toThrow("broken");
			if (table !== "idempotency_keys" && table !== "replays")
				expect(dump(broken.path), `the table ${table}`).toEqual(before);
		}
		move(broken.path);
		expect(dump(broken.path), `seed ${seed}`).toEqual(dump(whole.path));
	});

	it("is refused by that version as soon as the move has begun", () => {
		using former = makeFormer(testSeed(), { size: 40 });
		const limits = { rows: 5, bytes: 500 };
		expect(completes(() => move(former.path, { limits, onProgress: endAfter(3) }))).toBe(false);
		using db = new DatabaseSync(former.path);
		expect(() => migrate(db, 0, readMigrations().slice(0, FORMER_MIGRATIONS))).toThrow(
			`this data was written by a newer Fanfare (schema ${readMigrations().length}, this program knows ${FORMER_MIGRATIONS})`,
		);
	});

	it("is unchanged, and can be used by that version, if the disk has too little room for the move", () => {
		using former = makeFormer(testSeed(), { size: 40 });
		const before = dump(former.path);
		expect(() => move(former.path, { freeBytes: () => 10_000 })).toThrow(
			/^this version stores its rows in a new form\. To move them, it needs up to 1 MB beside the 1 MB of the store, but only 1 MB are free in \/.*\. Nothing was changed/,
		);
		expect(dump(former.path)).toEqual(before);
		using db = new DatabaseSync(former.path);
		migrate(db, 0, readMigrations().slice(0, FORMER_MIGRATIONS));
	});

	it("leaves no second copy of a payload in the file, which would stay when it is erased", () => {
		using former = makeFormer(testSeed(), { size: 400, bodyBytes: 700 });
		{
			using db = new DatabaseSync(former.path);
			const bodies = db.prepare("SELECT seq FROM events WHERE length(body) > 0 ORDER BY id").all();
			const mark = db.prepare("UPDATE events SET body = CAST(? || hex(randomblob(300)) AS BLOB) WHERE seq = ?");
			for (const [index, row] of bodies.entries()) mark.run(`payload ${index} `, number(row["seq"]));
		}
		move(former.path, { limits: { rows: 50, bytes: 50_000 } });
		const file = readFileSync(former.path, "latin1");
		const copies = Array.from(file.matchAll(/payload (\d+) /g), ([, index]) => Number(index));
		expect(copies.length).toBeGreaterThan(100);
		expect(copies.toSorted((a, b) => a - b)).toEqual(copies.map((_, index) => index));
	});

	it("tells how far the move is, up to the end, also if it goes on with one", () => {
		// With this seed, some deliveries come before their events.
		using former = makeFormer(3_706_771_495, { size: 40 });
		const rows = Object.values(former.log.events).flat().length + Object.values(former.log.deliveries).flat().length;
		const seen: MoveProgress[] = [];
		const limits = { rows: 5, bytes: 500 };
		const end = endAfter(4);
		const onProgress = (progress: MoveProgress) => {
			seen.push(progress);
			end(progress);
		};
		expect(completes(() => move(former.path, { limits, onProgress }))).toBe(false);
		move(former.path, { limits, onProgress: (progress) => seen.push(progress) });
		expect(seen[0]).toEqual({ moved: 0, total: null });
		expect(new Set(seen.slice(1).map(({ total }) => total))).toEqual(new Set([rows]));
		expect(seen.map(({ moved }) => moved)).toEqual(seen.map(({ moved }) => moved).toSorted((a, b) => a - b));
		expect(seen.at(-1)).toEqual({ moved: rows, total: rows });
	});

	it("is the same if the process is killed in the middle, each time", async () => {
		const options = { size: 1_500 };
		const seed = testSeed();
		using whole = makeFormer(seed, options);
		using killed = makeFormer(seed, options);
		move(whole.path);
		for (const step of [1, 2, 5]) {
			await using child = startChild(MOVER, killed.path);
			await child.line(`step ${step}`);
			await child.kill();
		}
		using db = new DatabaseSync(killed.path);
		expect(db.prepare("PRAGMA integrity_check").all()).toMatchObject([{ integrity_check: "ok" }]);
		expect(count(db, "events")).toBeGreaterThan(0);
		expect(count(db, "former_events")).toBeGreaterThan(0);
		db.close();
		move(killed.path);
		expect(dump(killed.path), `seed ${seed}`).toEqual(dump(whole.path));
	});
});

/** Moves rows in small steps, and prints a line after each. */
const MOVER = `
	import { writeSync } from "node:fs";
	import { openConnection } from ${JSON.stringify(new URL("../connection.ts", import.meta.url).href)};
	import { upgrade } from ${JSON.stringify(new URL("./upgrade.ts", import.meta.url).href)};
	const path = process.argv[1];
	let steps = -1;
	const onProgress = () => writeSync(1, "step " + steps++ + "\\n");
	upgrade(openConnection({ path }), { path, now: 0, limits: { rows: 50, bytes: 20_000 }, onProgress });
`;

/** A store of version 0.1 in a file, and what is in it. */
function makeFormer(seed: number, options: FormerStoreOptions) {
	const dir = new TemporaryDir(fastParent());
	const path = dir.join("fanfare.db");
	using db = new DatabaseSync(path);
	db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF");
	fillFormerStore(db, seed, options);
	return {
		path,
		log: options.size > MAX_READ_SIZE ? EMPTY : readFormerLog(db),
		keys: db.prepare(FORMER_KEYS).all(),
		replays: db.prepare("SELECT id, position FROM replays").all(),
		[Symbol.dispose]: () => dir[Symbol.dispose](),
	};
}

/** Reading a larger log as a whole takes too long. */
const MAX_READ_SIZE = 100;
const EMPTY: WholeLog = {
	events: {},
	deliveries: {},
	bodies: {},
	attempts: {},
	dueAt: {},
	open: { Pending: 0, Held: 0 },
};
/** A key whose event is gone counts as unknown. */
const FORMER_KEYS = `
	SELECT hex(key.project_id) AS project, key, fingerprint, hex(event.id) AS event, key.create_date
	FROM idempotency_keys key JOIN events event ON event.id = key.event_id ORDER BY 1, 2
`;
const KEYS = `
	SELECT hex(project.id) AS project, key, fingerprint, hex(event.id) AS event, key.create_date
	FROM idempotency_keys key JOIN events event ON event.seq = key.event JOIN projects project ON project.number = key.project
	WHERE event.project = key.project AND event.details ->> 'key' = key.key ORDER BY 1, 2
`;

function move(path: string, options: MoveOptions & { readonly freeBytes?: () => number } = {}): void {
	using db = openConnection({ path });
	upgrade(db, { path, now: 0, ...options });
}

/** A report of progress that ends the move after some steps. */
function endAfter(steps: number): (progress: MoveProgress) => void {
	// The first report comes before the first step.
	let left = steps + 1;
	return ({ total }) => {
		if (total !== null && --left === 0) throw new Error("interrupted");
	};
}

/** Whether a move comes to its end, or is interrupted before. */
function completes(work: () => void): boolean {
	try {
		work();
		return true;
	} catch (error) {
		if (error instanceof Error && error.message === "interrupted") return false;
		throw error;
	}
}

function dump(path: string): Record<string, Row[]> {
	using db = new DatabaseSync(path);
	const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
	return Object.fromEntries(
		tables.map(({ name }) => [String(name), db.prepare(`SELECT * FROM ${String(name)}`).all()]),
	);
}

function count(db: DatabaseSync, table: string): number {
	return number(db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.["n"]);
}

/** Filters by date select the same rows as before. */
async function expectSameDates(store: Store, log: WholeLog, seed: number): Promise<void> {
	for (const [projectId, deliveries] of Object.entries(log.deliveries)) {
		const scope = projectScope(projectId);
		const events = log.events[projectId] ?? [];
		for (const { createDate: after } of deliveries.slice(0, 3)) {
			const before = after + 4;
			const isIn = (row: { readonly createDate: number }) => row.createDate >= after && row.createDate < before;
			const found = await store.deliveries(scope, { ...ANY_DELIVERY, after, before }, NEWEST);
			expect(found.rows.map(plainDelivery), `seed ${seed}`).toEqual(deliveries.filter(isIn));
			const foundEvents = await store.events(scope, { types: null, after, before }, NEWEST);
			expect(foundEvents.rows.map(asAccepted), `seed ${seed}`).toEqual(events.filter(isIn));
		}
	}
}

/** Each replay goes on after the same event as before, and knows the same deliveries as made after it. */
function expectSamePlaces(db: DatabaseSync, former: readonly Row[], seed: number): void {
	const events = db.prepare("SELECT seq, id FROM events").all();
	const deliveries = db.prepare("SELECT seq, own_id AS id FROM deliveries").all();
	const isAfter = (row: Row, id: Uint8Array) => Buffer.compare(rowId(row), id) > 0;
	for (const replay of former) {
		const { position_seq, position_date, made_after } = db
			.prepare("SELECT * FROM replays WHERE id = ?")
			.get(rowId(replay))!;
		const position = bytesOrNull(replay["position"]);
		expect(position_date, `seed ${seed}`).toBe(position === null ? null : idTime(position));
		expect(position_seq === null, `seed ${seed}`).toBe(position === null);
		const followers = position === null ? [] : events.filter((row) => isAfter(row, position));
		const numbered = position === null ? [] : events.filter(({ seq }) => number(seq) > number(position_seq));
		expect(numbered, `seed ${seed}`).toEqual(followers);
		expect(
			deliveries.filter(({ seq }) => number(seq) > number(made_after)),
			`seed ${seed}`,
		).toEqual(deliveries.filter((row) => isAfter(row, rowId(replay))));
	}
}

/** What is wrong with the numbers: they ascend with the ids, and each is in one block or outside of all. */
function issuesOf(db: DatabaseSync): string[] {
	const rows = db
		.prepare(`
			SELECT seq, id, seq AS event, delivery_count, NULL AS outside, 1 AS is_event FROM events
			UNION ALL SELECT seq, own_id, event, 0, outside, 0 FROM deliveries ORDER BY seq
		`)
		.all();
	const issues: string[] = [];
	let end = 0;
	for (const [index, row] of rows.entries()) {
		const before = rows[index - 1];
		if (before !== undefined && Buffer.compare(rowId(before), rowId(row)) >= 0)
			issues.push(`${number(row["seq"])} is out of order`);
		const isInBlock = number(row["seq"]) <= end;
		if (isInBlock !== (row["is_event"] === 0 && row["outside"] === null))
			issues.push(`${number(row["seq"])} is at a wrong place`);
		if (row["is_event"] === 1) end = number(row["seq"]) + number(row["delivery_count"]);
		if (number(row["event"]) === 0) issues.push(`${number(row["seq"])} has no event`);
	}
	const tables = db.prepare("SELECT name FROM sqlite_schema WHERE name LIKE 'former%'").all();
	return [...issues, ...tables.map(({ name }) => `${String(name)} is left`)];
}
