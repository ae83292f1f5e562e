// Data directories that belong to another user, or that this one can't write to: each server is a process of the user "nobody".
import { chmodSync, chownSync, mkdirSync } from "node:fs";
import { join } from "node:path";

import { runFanfare } from "@fanfare/testkit/fanfare-process";
import { startServerProcess } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect, it } from "vitest";

const NOBODY = 65_534;

/** Expects that a server refuses to start, with a sentence that contains `parts`. */
async function expectRefused(dataDir: string, uid: number | undefined, ...parts: readonly string[]): Promise<void> {
	const env = { FANFARE_PORT: "0", FANFARE_DATA_DIR: dataDir };
	const { stderr, ...exit } = await runFanfare(["serve"], { env, ...(uid !== undefined && { uid }) });
	expect(exit, stderr).toEqual({ code: 1, signal: null, stdout: "" });
	expect(stderr).toMatch(/^fanfare: .{20,}\n$/);
	for (const part of parts) expect(stderr).toContain(part);
}

it("a directory that is not writable, or can't be created", async () => {
	using dir = new TemporaryDir();
	const uid = process.getuid?.() === 0 ? NOBODY : undefined;
	chmodSync(dir.path, 0o755);
	mkdirSync(dir.join("read-only"));
	chmodSync(dir.join("read-only"), 0o555);
	await expectRefused(dir.join("read-only"), uid, "read-only", "FANFARE_DATA_DIR");
	await expectRefused(dir.join("read-only", "data"), uid, "read-only", "FANFARE_DATA_DIR");
});

it.skipIf(process.getuid?.() !== 0)("a directory with files of another user", async () => {
	using dir = new TemporaryDir();
	await using server = await startServerProcess({ dataDir: dir.join("data") });
	await server.stop();
	for (const path of [dir.path, server.dataDir]) chmodSync(path, 0o755);
	chownSync(server.dataDir, NOBODY, NOBODY);
	for (const name of ["fanfare.lock", "fanfare.db", "master.key"]) {
		await expectRefused(server.dataDir, NOBODY, "this user", server.dataDir);
		chownSync(join(server.dataDir, name), NOBODY, NOBODY);
	}
	await server.restart();
});
