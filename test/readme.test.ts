// Runs the README's programs unchanged, against a server that is started as the README says.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { eventually } from "@fanfare/testkit/eventually";
import { freePort } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const DEADLINE_MS = 20_000;
const ADMIN_KEY = `sk_${"r".repeat(43)}`;
const WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/** The code blocks of a language, in order. */
function blocks(language: string): string[] {
	const text = readFileSync(join(root, "README.md"), "utf8");
	return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map(([, code]) => code!);
}

const children: ChildProcess[] = [];
/** Resolves imports like the checkout, where a reader would save the programs. */
const folder = new TemporaryDir();
symlinkSync(join(root, "node_modules"), folder.join("node_modules"));
const dataDir = new TemporaryDir();
afterAll(async () => {
	const running = children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
	const ends = running.map((child) => once(child, "exit"));
	for (const child of running) child.kill("SIGKILL");
	await Promise.all(ends);
	folder[Symbol.dispose]();
	dataDir[Symbol.dispose]();
});

interface Running {
	readonly child: ChildProcess;
	output(): string;
}

/** Starts a process on the Node of the tests, without the caller's FANFARE_* settings. */
function start(args: readonly string[], env: Readonly<Record<string, string>>, cwd = root): Running {
	const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("FANFARE_"));
	const child = spawn(process.execPath, args, { cwd, env: { ...Object.fromEntries(inherited), ...env } });
	children.push(child);
	let output = "";
	for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
	return { child, output: () => output };
}

async function until(running: Running, wanted: string): Promise<void> {
	try {
		await eventually(`${wanted} in the output`, () => running.output().includes(wanted), DEADLINE_MS);
	} catch (cause) {
		throw new Error(`expected ${wanted} in the output, got: ${running.output()}`, { cause });
	}
}

/** Saves a program of the README, and returns the arguments of Node that run it. */
function saved(name: string, code: string): string[] {
	writeFileSync(folder.join(name), code);
	const [, args] = new RegExp(`npx node (.*${name})`).exec(blocks("sh")[2] ?? "") ?? [];
	if (args === undefined) throw new Error(`the README does not say how to run ${name}`);
	return args.split(" ");
}

describe("the README", () => {
	let url = "";
	beforeAll(async () => {
		const [commands = "", startCommand = ""] = blocks("sh");
		expect(commands).toMatch(/^npm ci && npm run demo .*\nnpm ci && npm test /);
		const settings = Object.fromEntries(
			[...startCommand.matchAll(/(FANFARE_[A-Z_]+)=(\S+)/g)].map(([, k, v]) => [k!, v!]),
		);
		expect(startCommand).toContain("npm start");
		const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: { start: string } };
		const [, ...args] = scripts.start.split(" ");
		const port = await freePort();
		url = `http://127.0.0.1:${port}`;
		const server = start(args, {
			...settings,
			FANFARE_PORT: String(port),
			FANFARE_DATA_DIR: dataDir.path,
			FANFARE_ADMIN_KEY: ADMIN_KEY,
		});
		await until(server, `listens on ${url}`);
	});

	it("sends an event that its receiver verifies", async () => {
		const [send = "", receive = ""] = blocks("ts");
		const port = await freePort();
		const receiver = start(saved("receive.ts", receive), { WEBHOOK_SECRET, PORT: String(port) }, folder.path);
		const sender = start(
			saved("send.ts", send),
			{ FANFARE_KEY: ADMIN_KEY, FANFARE_URL: url, WEBHOOK_SECRET, WEBHOOK_URL: `http://127.0.0.1:${port}/` },
			folder.path,
		);
		await until(sender, "is on its way to");
		await until(receiver, 'order.paid: {"orderId":42}');
	});

	it("has a receiver that reports why it refuses a request", async () => {
		const [, receive = ""] = blocks("ts");
		const port = await freePort();
		const receiver = start(saved("receive.ts", receive), { WEBHOOK_SECRET, PORT: String(port) }, folder.path);
		const answer = await eventually("the receiver to listen", () =>
			fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: "{}" }).catch(() => null),
		);
		expect(answer.status).toBe(400);
		await until(receiver, "WebhookVerificationError: ");
	});

	it("shows a program of ten lines", () => {
		const [send = ""] = blocks("ts");
		const lines = send.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("import"));
		expect(lines.length).toBeLessThanOrEqual(10);
	});
});
