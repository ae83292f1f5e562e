// The README's programs are run as they stand there, against a server that is started as the README says.
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { eventually } from "@fanfare/testkit/eventually";
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

function freePort(): Promise<number> {
	return new Promise((resolve, reject) => {
		const server = createServer().once("error", reject);
		server.listen(0, "127.0.0.1", () => {
			const address = server.address();
			server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
		});
	});
}

const children: ChildProcess[] = [];
// As the checkout is for a reader who saves the programs there.
const folder = mkdtempSync(join(tmpdir(), "fanfare-readme-programs-"));
symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
const dataDir = mkdtempSync(join(tmpdir(), "fanfare-readme-"));
afterAll(() => {
	for (const child of children) child.kill("SIGKILL");
	rmSync(folder, { recursive: true, force: true });
	rmSync(dataDir, { recursive: true, force: true });
});

interface Running {
	readonly child: ChildProcess;
	output(): string;
}

/** Starts a process on the Node of the tests; the caller's FANFARE_* settings do not reach it. */
function start(args: readonly string[], env: Readonly<Record<string, string>>, cwd = root): Running {
	const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("FANFARE_"));
	const child = spawn(process.execPath, args, { cwd, env: { ...Object.fromEntries(inherited), ...env } });
	children.push(child);
	let output = "";
	for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
	return { child, output: () => output };
}

async function until(running: Running, wanted: string): Promise<void> {
	const endAt = Date.now() + DEADLINE_MS;
	while (!running.output().includes(wanted)) {
		if (Date.now() > endAt) throw new Error(`no ${wanted} in: ${running.output()}`);
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
}

/** Saves the program that stands in the README, and gives the arguments of Node that run it there. */
function saved(name: string, code: string): string[] {
	writeFileSync(join(folder, name), code);
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
			FANFARE_DATA_DIR: dataDir,
			FANFARE_ADMIN_KEY: ADMIN_KEY,
		});
		await until(server, `listens on ${url}`);
	});

	it("sends an event that its receiver verifies", async () => {
		const [send = "", receive = ""] = blocks("ts");
		const port = await freePort();
		const receiver = start(saved("receive.ts", receive), { WEBHOOK_SECRET, PORT: String(port) }, folder);
		const sender = start(
			saved("send.ts", send),
			{ FANFARE_KEY: ADMIN_KEY, FANFARE_URL: url, WEBHOOK_SECRET, WEBHOOK_URL: `http://127.0.0.1:${port}/` },
			folder,
		);
		await until(sender, "is on its way to");
		await until(receiver, 'order.paid: {"orderId":42}');
	});

	it("has a receiver that says why it refuses", async () => {
		const [, receive = ""] = blocks("ts");
		const port = await freePort();
		const receiver = start(saved("receive.ts", receive), { WEBHOOK_SECRET, PORT: String(port) }, folder);
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
