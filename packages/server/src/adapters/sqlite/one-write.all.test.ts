// A management call is one write: after a SIGKILL at any of its statements, the store has all of the call or nothing of it.
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { serialize } from "node:v8";

import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

import { contents } from "../../ports/contract/store/records/calls.ts";
import { DONE_CALLS, type DoneCall } from "../../ports/contract/store/records/done-calls.ts";
import type { World } from "../../ports/contract/store/records/records.ts";
import { openReplayWorld } from "../../ports/contract/store/records/replays.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import { startChild } from "./test/child-process.ts";

/**
 * Makes the call in a file, and kills itself before or after the n-th statement of it. Prints the number of statements
 * if it survives. With a directory for copies, it copies the store's files there before and after each statement: they are then
 * as SIGKILL would leave them, since what a process has written stays written.
 */
const CALLER = `
	import { copyFileSync, existsSync, readFileSync, writeSync } from "node:fs";
	import { DatabaseSync, StatementSync } from "node:sqlite";
	import { deserialize } from "node:v8";
	const [, path, callPath, n, when, copies] = process.argv;
	const { openSqliteStore } = await import(${JSON.stringify(new URL("./sqlite-store.ts", import.meta.url).href)});
	const store = await openSqliteStore({ path });
	const { name, parameters } = deserialize(readFileSync(callPath));
	let statements = 0;
	const reach = (now) => {
		if (statements === Number(n) && now === when) process.kill(process.pid, "SIGKILL");
		if (copies === undefined) return;
		for (const end of ["", "-wal", "-shm"]) {
			if (existsSync(path + end)) copyFileSync(path + end, copies + "/" + statements + "-" + now + ".db" + end);
		}
	};
	const wrap = (prototype, method) => {
		const original = prototype[method];
		prototype[method] = function (...values) {
			statements++;
			reach("before");
			const result = original.apply(this, values);
			reach("after");
			return result;
		};
	};
	for (const method of ["run", "get", "all", "iterate"]) wrap(StatementSync.prototype, method);
	wrap(DatabaseSync.prototype, "exec");
	await store[name](...parameters);
	writeSync(1, statements + "\\n");
`;

/** The statements of a call that writes nothing but its entry: BEGIN, the change, the entry and COMMIT. */
const MIN_STATEMENTS = 4;

type Contents = Awaited<ReturnType<typeof contents>>;

/** A store file as it is before a call, the call, and what the store has before and after it. */
interface Scene {
	readonly dir: TemporaryDir;
	readonly world: World;
	readonly statements: number;
	readonly before: Contents;
	readonly after: Contents;
}

/** A kill before or after a statement of the call; the first statement has number 1. */
interface Kill {
	readonly statement: number;
	readonly when: "before" | "after";
}

describe("the embedded store has all or nothing of a call after SIGKILL", () => {
	for (const call of DONE_CALLS.filter(({ isVariant = false }) => !isVariant)) {
		it(call.title, async () => {
			using dir = new TemporaryDir(fastParent());
			const scene = await makeScene(dir, call);
			const kills = Array.from({ length: 2 * scene.statements }, (_, index) => ({
				statement: 1 + (index >> 1),
				when: index % 2 === 0 ? ("before" as const) : ("after" as const),
			}));
			const found: Contents[] = [];
			for (const kill of kills) found.push(await read(copyOf(scene, kill), scene.world));
			const isDone = found.map(({ entries }) => entries.length > 0);
			for (const [index, { statement, when }] of kills.entries()) {
				const expected = isDone[index] === true ? scene.after : scene.before;
				expect(found[index], `after a kill ${when} statement ${statement}`).toEqual(expected);
			}
			// All kills up to the commit leave nothing of the call, and all kills after it leave all of it.
			const firstDone = isDone.indexOf(true);
			expect(firstDone).toBeGreaterThanOrEqual(2 * MIN_STATEMENTS - 1);
			expect(isDone.slice(firstDone)).not.toContain(false);
			// What the copies show of the commit is what a process leaves that is really killed.
			expect(await contentsAfterKill(scene, kills[firstDone - 1]!)).toEqual(scene.before);
			expect(await contentsAfterKill(scene, kills[firstDone]!)).toEqual(scene.after);
		});
	}
});

async function makeScene(dir: TemporaryDir, { prepare }: DoneCall): Promise<Scene> {
	const store = await openSqliteStore({ path: dir.join("before.db") });
	const world = await openReplayWorld(() => store, 2);
	const entry = world.records.entry();
	writeFileSync(dir.join("call"), serialize(await prepare(world, entry)));
	const before = await contents(world);
	await store.close();
	mkdirSync(dir.join("copies"));
	const { signal, lines } = await runCall(dir, "after.db", "none", "before", dir.join("copies"));
	expect(signal).toBeNull();
	const after = await read(dir.join("after.db"), world);
	expect([before.entries, after.entries]).toEqual([[], [entry]]);
	return { dir, world, statements: Number(lines[0]), before, after };
}

/** The store's file as it is before or after a statement of the call. */
function copyOf({ dir }: Scene, { statement, when }: Kill): string {
	return dir.join("copies", `${statement}-${when}.db`);
}

/** Kills a process in the call. Returns what the store then has. */
async function contentsAfterKill({ dir, world }: Scene, { statement, when }: Kill): Promise<Contents> {
	const file = `${statement}-${when}.db`;
	const { signal } = await runCall(dir, file, String(statement), when);
	expect(signal).toBe("SIGKILL");
	return read(dir.join(file), world);
}

/** Makes the call in a copy of the store file. Returns how the process ends and what it prints. */
async function runCall(dir: TemporaryDir, file: string, statement: string, when: Kill["when"], ...copies: string[]) {
	copyFileSync(dir.join("before.db"), dir.join(file));
	const paths = [dir.join(file), dir.join("call")];
	await using child = startChild(CALLER, ...paths, statement, when, ...copies);
	return { signal: await child.ended, lines: child.lines };
}

async function read(path: string, world: World): Promise<Contents> {
	const store = await openSqliteStore({ path });
	const found = await contents({ ...world, store });
	await store.close();
	using db = new DatabaseSync(path);
	expect(db.prepare("PRAGMA integrity_check").all()).toMatchObject([{ integrity_check: "ok" }]);
	expect(db.prepare("PRAGMA foreign_key_check").all()).toEqual([]);
	return found;
}
