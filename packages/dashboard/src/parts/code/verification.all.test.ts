// The programs that the page shows are run as they are, and get a real webhook.
import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";

import { utils } from "@fanfare/sdk";
import { eventually } from "@fanfare/testkit/eventually";
import { freePort, startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { LANGUAGES, SECRET_VARIABLE, verificationCode, type Language } from "./verification.ts";

const SDK = fileURLToPath(new URL("../../../../sdk", import.meta.url));

/** How a program is started: its file, what prepares it, and the command. */
const RUNS: Readonly<
	Record<Language, (dir: TemporaryDir) => { file: string; command: string; args: string[]; needs: string }>
> = {
	TypeScript: (dir) => ({
		file: dir.join("receive.ts"),
		command: process.execPath,
		args: ["--conditions=@fanfare/source", dir.join("receive.ts")],
		needs: process.execPath,
	}),
	Python: (dir) => ({
		file: dir.join("receive.py"),
		command: "python3",
		args: [dir.join("receive.py")],
		needs: "python3",
	}),
	Go: (dir) => ({ file: dir.join("receive.go"), command: dir.join("receive"), args: [], needs: "go" }),
};

let server: ServerProcess;
beforeAll(async () => {
	server = await startServerProcess();
});
afterAll(() => server[Symbol.asyncDispose]());

/** Whether something listens on the port. */
function isListening(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = connect(port, "127.0.0.1");
		socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
		socket.once("connect", () => socket.destroy());
	});
}

describe.each(LANGUAGES)("the program in %s", (language) => {
	using probe = new TemporaryDir();
	const { needs } = RUNS[language](probe);
	const isThere = spawnSync(needs, [needs === "go" ? "version" : "--version"]).status === 0;

	// Also with CI=true: no script of ours can install a language.
	if (!isThere) process.stderr.write(`skipped: the program in ${language}: there is no ${needs}\n`);

	it.skipIf(!isThere)("takes what the server sends, and refuses everything else", async () => {
		using dir = new TemporaryDir();
		const { file, command, args } = RUNS[language](dir);
		writeFileSync(file, verificationCode(language));
		if (language === "TypeScript") {
			writeFileSync(dir.join("package.json"), '{ "type": "module" }');
			mkdirSync(dir.join("node_modules/@fanfare"), { recursive: true });
			symlinkSync(SDK, dir.join("node_modules/@fanfare/sdk"));
		}
		if (language === "Go") {
			const env = {
				...process.env,
				GOFLAGS: "-mod=mod",
				GO111MODULE: "off",
				CGO_ENABLED: "0",
			};
			execFileSync("go", ["build", "-o", command, file], { cwd: dir.path, env, stdio: "pipe" });
		}
		const secret = utils.generateWebhookSecret();
		const port = await freePort();
		const env = { PATH: process.env["PATH"], PORT: String(port), [SECRET_VARIABLE]: secret };
		const program: ChildProcess = spawn(command, args, { cwd: dir.path, env, stdio: ["ignore", "pipe", "pipe"] });
		let output = "";
		for (const stream of [program.stdout, program.stderr])
			stream?.on("data", (part: Buffer) => (output += part.toString()));
		try {
			const isUp = async () => {
				if (program.exitCode !== null) throw new Error(`the program has ended:\n${output}`);
				return isListening(port);
			};
			await eventually("the program to listen", isUp);
			const url = `http://127.0.0.1:${port}/`;
			const { id } = await server.createWebhook(url, { secret, retries: { maxRetries: 0, maxRetryDelay: 0 } });
			const event = await server.project.events.send({
				type: "order.paid",
				data: { text: "ü ✓", total: 12.5 },
				webhookIds: [id],
			});
			const delivery = await server.waitForDelivery(
				event.id,
				({ status }) => status === "Succeeded" || status === "Failed",
			);
			// What it prints comes by another way than its answer.
			await expect.poll(() => [delivery.responseCode, output]).toEqual([204, expect.stringContaining("order.paid")]);
			const forged = {
				"webhook-id": event.id,
				"webhook-timestamp": String(Math.floor(Date.now() / 1_000)),
				"webhook-signature": "v1,AAAA",
			};
			expect((await fetch(url, { method: "POST", body: "{}", headers: forged })).status).toBe(400);
		} finally {
			program.kill("SIGKILL");
		}
	});
});
