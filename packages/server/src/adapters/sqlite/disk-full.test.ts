// A full disk: calls fail as store_full and leave nothing behind, and calls succeed again when there is space, without a restart.
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

import { ANY_EVENT, fillStore, NEWEST, type World } from "../../ports/contract/store/records/records.ts";
import { systemClock } from "../system/system-clock.ts";
import { openSqliteStore, type SqliteStoreOptions } from "./sqlite-store.ts";
import { READER_PROGRAM } from "./test/reader-program.ts";
import { openThreadedSqliteStore } from "./thread/threaded-store.ts";

const BODY = Buffer.alloc(20_000, 1);

/** Accepts events until the store refuses one. Returns the ids of the accepted ones. */
async function fillUp({ store, projectId, scope, webhookId, records }: World): Promise<string[]> {
	const accepted: string[] = [];
	for (let n = 0; n < 5_000; n++) {
		const sent = records.event(projectId, { body: BODY, webhookIds: [webhookId] });
		try {
			await store.commit({ events: [sent], updates: [] });
		} catch (error) {
			expect(error).toMatchObject({ name: "StoreError", code: "store_full" });
			expect(await store.event(scope, sent.event.id)).toBeNull();
			return accepted;
		}
		accepted.push(sent.event.id);
	}
	throw new Error("the disk never became full");
}

async function expectExactly({ store, scope }: World, accepted: readonly string[]): Promise<void> {
	const page = await store.events(scope, ANY_EVENT, NEWEST);
	expect(page.rows.map(({ id }) => id)).toEqual(accepted.toReversed());
	expect(await store.countOpen()).toEqual({ Pending: accepted.length, Held: 0 });
}

describe("a full store", () => {
	it("refuses an event as store_full, keeps its data, and accepts events again when there is space", async () => {
		using dir = new TemporaryDir();
		const path = dir.join("fanfare.db");
		const store = await openSqliteStore({ path, maxPageCount: 310 });
		const world = await fillStore(store);
		const accepted = await fillUp(world);
		expect(accepted.length).toBeGreaterThan(10);
		await expectExactly(world, accepted);
		await expect(world.accept({ body: BODY })).rejects.toMatchObject({ code: "store_full" });
		// Calls that need no new page still work, such as recording the outcomes of attempts in flight.
		const { deliveries } = await world.claim({ limit: 1 });
		await world.update(world.records.outcome(deliveries[0]?.id ?? "", 1));
		await store.close();

		const roomy = await openSqliteStore({ path });
		await roomy.commit({ events: [world.records.event(world.projectId, { body: BODY })], updates: [] });
		expect((await roomy.events(world.scope, ANY_EVENT, NEWEST)).rows).toHaveLength(accepted.length + 1);
		await roomy.close();
	});
});

/** Why this test can't mount a file system here; null if it can. */
function mountProblem(): string | null {
	if (process.platform !== "linux") return `mounting a tmpfs needs Linux, this is ${process.platform}`;
	if (process.getuid?.() !== 0) return "mounting a tmpfs needs root";
	using dir = new TemporaryDir();
	try {
		execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", dir.path], { stdio: "pipe" });
		execFileSync("umount", [dir.path], { stdio: "pipe" });
		return null;
	} catch (error) {
		return `mounting a tmpfs failed: ${error instanceof Error ? error.message.trim() : String(error)}`;
	}
}

const problem = mountProblem();

describe("a full disk", () => {
	it.runIf(problem !== null)(`is not tested with a real file system here (${problem ?? ""})`, () => {
		process.stderr.write(`skipped the test of a full file system: ${problem ?? ""}\n`);
		expect(process.env["CI"], "CI must test a full file system: run it as root on Linux").not.toBe("true");
	});

	it.runIf(problem === null).each([
		["", openSqliteStore],
		[
			" in threads",
			async (options: SqliteStoreOptions) =>
				(await openThreadedSqliteStore({ ...options, clock: systemClock, readerProgram: READER_PROGRAM })).store,
		],
	])("of a store%s refuses events, answers reads, and accepts events again when there is space", async (_, open) => {
		using dir = new TemporaryDir();
		using mounted = mountTmpfs(dir.join("small"), "6m");
		const ballast = mounted.join("ballast");
		writeFileSync(ballast, Buffer.alloc(2_000_000));
		const store = await open({ path: mounted.join("fanfare.db") });
		const world = await fillStore(store);
		const accepted = await fillUp(world);
		expect(accepted.length).toBeGreaterThan(10);
		await expectExactly(world, accepted);
		for (let n = 0; n < 5; n++) {
			await expect(world.accept({ body: BODY })).rejects.toMatchObject({ code: "store_full" });
		}

		rmSync(ballast);
		await world.accept({ body: BODY });
		expect((await store.events(world.scope, ANY_EVENT, NEWEST)).rows).toHaveLength(accepted.length + 1);
		await store.probe(world.records.now);
		await store.close();
		using db = new DatabaseSync(mounted.join("fanfare.db"));
		expect(db.prepare("PRAGMA integrity_check").all()).toMatchObject([{ integrity_check: "ok" }]);
	});
});

function mountTmpfs(path: string, size: string) {
	mkdirSync(path);
	execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", path], { stdio: "pipe" });
	return {
		join: (name: string) => `${path}/${name}`,
		[Symbol.dispose]() {
			execFileSync("umount", ["-l", path], { stdio: "pipe" });
		},
	};
}
