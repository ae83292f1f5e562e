// The README's programs are run as they stand there, against a server that is started as the README says.
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

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
// Inside the checkout, so that `@fanfare/sdk` is found as a reader's project would find it.
const folder = mkdtempSync(join(root, "node_modules/.readme-"));
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
function start(args: readonly string[], env: Readonly<Record<string, string>>): Running {
	const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("FANFARE_"));
	const child = spawn(process.execPath, ["--conditions=@fanfare/source", ...args], {
		cwd: root,
		env: { ...Object.fromEntries(inherited), ...env },
	});
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

function program(name: string, code: string): string {
	const path = join(folder, name);
	// Node strips types only outside of node_modules, so the test takes the little TypeScript there is out by itself.
	writeFileSync(path, code.replaceAll("project!", "project"));
	return path;
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
		const [, ...args] = scripts.start.split(" ").filter((word) => !word.startsWith("--conditions"));
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
		const receiver = start([program("receive.mjs", receive)], { WEBHOOK_SECRET, PORT: String(port) });
		const sender = start([program("send.mjs", send)], {
			FANFARE_KEY: ADMIN_KEY,
			FANFARE_URL: url,
			WEBHOOK_SECRET,
			WEBHOOK_URL: `http://127.0.0.1:${port}/`,
		});
		await until(sender, "is on its way to");
		await until(receiver, 'order.paid: {"orderId":42}');
	});

	it("shows a program of ten lines", () => {
		const [send = ""] = blocks("ts");
		const lines = send.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("import"));
		expect(lines.length).toBeLessThanOrEqual(10);
	});
});
