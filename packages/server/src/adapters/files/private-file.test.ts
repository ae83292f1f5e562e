// Private files: their permissions, and links in their place.
import { execFileSync } from "node:child_process";
import { lstatSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";

import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect, it } from "vitest";

import { readPrivateFile, writePrivateFile } from "./private-file.ts";

it("writes and reads a file that only its owner can read, and leaves no other", () => {
	using dir = new TemporaryDir();
	writeFileSync(dir.join("key.tmp"), "left by a crash", { mode: 0o666 });
	writePrivateFile(dir.join("key"), "secret");
	expect(readPrivateFile(dir.join("key"))).toEqual({ text: "secret", mode: 0o600 });
	expect(readdirSync(dir.path)).toEqual(["key"]);
});

it.each(["key", "key.tmp"])("writes nothing through a link at %s", (name) => {
	using dir = new TemporaryDir();
	writeFileSync(dir.join("elsewhere"), "keep", { mode: 0o644 });
	symlinkSync(dir.join("elsewhere"), dir.join(name));
	writePrivateFile(dir.join("key"), "secret");
	expect(readFileSync(dir.join("elsewhere"), "utf8")).toBe("keep");
	expect(lstatSync(dir.join("key")).isFile()).toBe(true);
	expect(statSync(dir.join("elsewhere")).mode & 0o777).toBe(0o644);
});

it("reads nothing through a link", () => {
	using dir = new TemporaryDir();
	writeFileSync(dir.join("elsewhere"), "not yours");
	symlinkSync(dir.join("elsewhere"), dir.join("key"));
	expect(() => readPrivateFile(dir.join("key"))).toThrow("ELOOP");
});

it.skipIf(process.platform === "win32")("does not wait for a named pipe", () => {
	using dir = new TemporaryDir();
	execFileSync("mkfifo", ["-m", "600", dir.join("key")]);
	expect(readPrivateFile(dir.join("key")).text).toBe("");
});
