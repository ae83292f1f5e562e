// Lets a person edit the body of a request in their editor.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { parseExactly } from "../../frame/values.ts";

const LINE_FEED = 0x0a;
const FALLBACK = process.platform === "win32" ? "notepad" : "vi";

/**
 * Opens the body in `$VISUAL` or `$EDITOR`, JSON with a line for each value. Returns it as it was saved, without the line feed that editors
 * add; null if it was not changed. Throws if the editor fails.
 */
export async function edit(body: Uint8Array): Promise<Buffer | null> {
	const folder = mkdtempSync(join(tmpdir(), "fanfare-"));
	try {
		const file = join(folder, "body.json");
		const shown = readable(body);
		writeFileSync(file, shown, { mode: 0o600 });
		await run(file);
		const saved = readFileSync(file);
		const isLonger = saved.at(-1) === LINE_FEED && shown.at(-1) !== LINE_FEED;
		const edited = isLonger ? saved.subarray(0, -1) : saved;
		return edited.equals(shown) ? null : edited;
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

function readable(body: Uint8Array): Buffer {
	try {
		return Buffer.from(JSON.stringify(parseExactly(Buffer.from(body).toString("utf8")), null, 2));
	} catch {
		return Buffer.from(body);
	}
}

async function run(file: string): Promise<void> {
	const editor = [process.env["VISUAL"], process.env["EDITOR"]].find((name) => name !== undefined && name !== "");
	const command = editor ?? FALLBACK;
	const { promise, resolve, reject } = Promise.withResolvers<void>();
	// With the shell, since the variable may have arguments. The file's name is ours, and has nothing to quote but a folder's spaces.
	const child = spawn(`${command} ${JSON.stringify(file)}`, { shell: true, stdio: "inherit" });
	child.once("error", reject);
	child.once("exit", (code) => {
		if (code === 0) resolve();
		else reject(new Error(`the editor \`${command}\` ended with ${code ?? "a signal"}: set EDITOR to another one`));
	});
	await promise;
}
