// docs/start.md and docs/receive.md, done as they say.
import { spawnSync } from "node:child_process";

import { FanfareProcess } from "@fanfare/testkit/fanfare-process";
import { freePort } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

import { codeBlocks, ReaderFolder } from "./document.ts";

const hasBash = spawnSync("bash", ["--version"]).status === 0;
if (!hasBash) process.stderr.write("skipped: bash not found; install it to run the commands of docs/start.md\n");

/** What a receiver that was started in the background may need until it listens. */
const untilListening = (port: number) =>
	`until node -e 'require("net").connect(${port}, "127.0.0.1").on("connect", () => process.exit(0)).on("error", () => process.exit(1))'; do :; done`;

/** The commands, with free ports in place of those of the document, and a wait after each program in the background. */
function adapted(code: string, ports: Readonly<Record<number, number>>): string {
	const moved = Object.entries(ports).reduce((text, [shown, real]) => text.replaceAll(shown, String(real)), code);
	return moved.replaceAll(/^(.*\bnode receiver\.mjs) &$/gm, (line: string, command: string) => {
		const port = /PORT=(\d+)/.exec(command)?.[1] ?? String(ports[3000]);
		const set = command.includes("PORT=") ? line : line.replace("node receiver", `PORT=${port} node receiver`);
		return `${set}\n${untilListening(Number(port))}`;
	});
}

describe.skipIf(!hasBash && process.env["CI"] !== "true")("docs/start.md", () => {
	const blocks = codeBlocks("docs/start.md");
	const shell = blocks.filter(({ language }) => language === "sh").map(({ code }) => code);

	it("installs what test/packages.all.test.ts packs, and starts fanfare dev", () => {
		expect(shell[0]).toContain("npm ci && npm run build && npm pack -w @fanfare/sdk -w @fanfare/server -w fanfare");
		expect(shell[1]).toBe("npx fanfare dev\n");
	});

	it("leads to an event that was verified, to one that failed and was retried, and to one from a program", async () => {
		const ports = { 8787: await freePort(), 3000: await freePort() };
		using config = new TemporaryDir();
		const env = { FANFARE_CONFIG_DIR: config.path, FANFARE_TIMEOUT: "10m" };
		using folder = new ReaderFolder(env);
		await using server = new FanfareProcess(["dev", "--no-open"], {
			env: { ...env, FANFARE_PORT: String(ports[8787]), FANFARE_DATA_DIR: config.join("data") },
		});
		// It listens then, too.
		await server.waitForStderr(/keeps the key/);
		const programs = blocks.filter(({ language }) => language === "js");
		for (const { code, before } of programs) folder.save(/as `(\w+\.mjs)`/.exec(before)?.[1] ?? "", code);
		expect(programs).toHaveLength(2);

		const waits = "until npx fanfare deliveries list | grep -q";
		const [, , whoami, secret, first, send, fail, why, retry, program] = shell.map((code) => adapted(code, ports));
		const output = await folder.run(
			[
				whoami,
				secret,
				first,
				send,
				`${waits} Succeeded; do :; done`,
				fail,
				`${waits} Failed; do :; done`,
				why,
				retry,
				`until ! npx fanfare deliveries list | grep -q Failed; do :; done`,
				program,
				program,
			].join("\n"),
		);
		expect(output).toContain("✓ the endpoint works");
		expect(output).toContain('order.paid {"orderId":42}');
		expect(output).toContain('order.paid {"orderId":43}');
		expect(output).toMatch(/\(refused\)/);
		const sent = [...output.matchAll(/(evt_\S+) goes to 1 webhook$/gm)].map(([, id]) => id);
		expect(sent).toHaveLength(2);
		expect(new Set(sent).size).toBe(1);
	});
});

describe.skipIf(!hasBash && process.env["CI"] !== "true")("docs/receive.md", () => {
	const blocks = codeBlocks("docs/receive.md");

	it("has a receiver without a fault, and commands that work", async () => {
		const ports = { 3000: await freePort(), 3001: await freePort() };
		using config = new TemporaryDir();
		using folder = new ReaderFolder({ FANFARE_CONFIG_DIR: config.path, FANFARE_TIMEOUT: "10m" });
		const [program] = blocks.filter(({ language }) => language === "js");
		folder.save("receiver.mjs", program?.code ?? "");
		const shell = blocks.filter(({ language }) => language === "sh").map(({ code }) => adapted(code, ports));
		expect(shell).toHaveLength(3);
		const output = await folder.run(shell.join("\n"));
		expect(output).toMatch(/(\d+) of \1 checks passed/);
		expect(output).not.toContain("✗");
		expect(output).toContain("webhook-signature");
		expect(output.match(/checks passed/g)).toHaveLength(3);
	});
});
