// Runs the README's programs and curl commands unchanged, against a server that is started as the README says.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { Client, type Project } from "@fanfare/sdk";
import { eventually } from "@fanfare/testkit/eventually";
import { freePort } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { ensurePage } from "../scripts/page-build.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const FIRST_SCREEN_LINES = 50;
const ADMIN_KEY = `sk_${"r".repeat(43)}`;
const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER_SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";

/** It compiles the sources, in some seconds of the CPU's time, of which a busy machine gives it a tenth. */
const START_WITHIN_MS = 300_000;

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
afterAll(() => {
	for (const { pid } of children) if (pid !== undefined) endGroup(pid);
	folder[Symbol.dispose]();
	dataDir[Symbol.dispose]();
});

/** Some are over already. */
function endGroup(pid: number): void {
	try {
		process.kill(-pid, "SIGKILL");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
	}
}

interface Running {
	readonly child: ChildProcess;
	output(): string;
}

/** Starts a process on the Node of the tests, without the caller's FANFARE_* settings. */
function start(
	args: readonly string[],
	env: Readonly<Record<string, string>>,
	cwd = root,
	program = process.execPath,
): Running {
	const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("FANFARE_"));
	// In a group of its own: what a shell begins in the background ends with it.
	const child = spawn(program, args, { cwd, env: { ...Object.fromEntries(inherited), ...env }, detached: true });
	children.push(child);
	let output = "";
	for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
	return { child, output: () => output };
}

async function until(running: Running, wanted: string, timeoutMs?: number): Promise<void> {
	try {
		await eventually(`${wanted} in the output`, () => running.output().includes(wanted), timeoutMs);
	} catch (cause) {
		throw new Error(`expected ${wanted} in the output, got: ${running.output()}`, { cause });
	}
}

/** The only code block of a language that contains the text. */
function block(language: string, text: string): string {
	const found = blocks(language).filter((code) => code.includes(text));
	if (found.length !== 1) throw new Error(`the README has ${found.length} ${language} blocks with ${text}`);
	return found[0]!;
}

/** Saves a program of the README, and returns the arguments of Node that run it. */
function saved(name: string, code: string): string[] {
	writeFileSync(folder.join(name), code);
	const [, args] = new RegExp(`npx node (.*${name})`).exec(block("sh", "npx node --conditions")) ?? [];
	if (args === undefined) throw new Error(`the README does not say how to run ${name}`);
	return args.split(" ");
}

describe("the README", () => {
	let url = "";
	beforeAll(async () => {
		const [commands = ""] = blocks("sh");
		const startCommand = block("sh", "npm start");
		expect(commands).toMatch(/^npm ci && npm run demo .*\nnpm ci && npm test /);
		const settings = Object.fromEntries(
			[...startCommand.matchAll(/(FANFARE_[A-Z_]+)=(\S+)/g)].map(([, k, v]) => [k!, v!]),
		);
		const port = await freePort();
		url = `http://127.0.0.1:${port}`;
		const env = {
			...settings,
			FANFARE_PORT: String(port),
			FANFARE_DATA_DIR: dataDir.path,
			FANFARE_ADMIN_KEY: ADMIN_KEY,
		};
		// It would build it otherwise.
		await ensurePage();
		const server = start(["start"], env, root, "npm");
		await until(server, `listens on ${url}`, START_WITHIN_MS);
	});

	async function onlyProject(): Promise<Project> {
		const projects = await new Client(ADMIN_KEY, { endpoint: url }).listProjects();
		expect(projects).toHaveLength(1);
		return projects[0]!;
	}

	/** Resolves when the receiver's answer to the newest delivery is noted. */
	async function succeeded(project: Project): Promise<void> {
		await eventually("the newest delivery to succeed", async () => {
			const [delivery] = (await project.deliveries.list()).data;
			return delivery?.status === "Succeeded";
		});
	}

	const missing = ["bash", "curl"].filter((program) => spawnSync(program, ["--version"]).error !== undefined);
	if (missing.length > 0)
		process.stderr.write(
			`skipped: ${missing.join(" and ")} not found; install them to run the README's curl commands\n`,
		);

	it.skipIf(missing.length > 0 && process.env["CI"] !== "true")(
		"registers a webhook and sends it an event with curl alone",
		async () => {
			const project = await onlyProject();
			const port = String(await freePort());
			const settings = { "http://127.0.0.1:8787": url, "proj_…": project.id, "sk_…": ADMIN_KEY };
			let script = block("sh", "curl").replaceAll("3001", port);
			for (const [shown, real] of Object.entries(settings)) {
				expect(script.split(shown)).toHaveLength(2);
				script = script.replace(shown, real);
			}
			const shell = start(["-c", script], {}, root, "bash");
			await until(shell, '"name":"first"');
			await until(shell, '"deliveryCount":1');
			await until(shell, '"status":"');
			await until(shell, '"data":{"orderId": 42}}');
			await succeeded(project);
			const [webhook] = (await project.batch.webhooks.list()).data;
			expect(webhook).toMatchObject({ name: "first", endpoint: `http://127.0.0.1:${port}/` });
			await project.batch.webhooks.delete(webhook!.id);
		},
	);

	it("has its first commands, curl and the address for the Nexus SDK on its first screen", () => {
		const screen = readFileSync(join(root, "README.md"), "utf8").split("\n").slice(0, FIRST_SCREEN_LINES).join("\n");
		for (const wanted of [
			"npm ci && npm run demo",
			"npm ci && npm test",
			"https://developers.datature.io/docs/python-sdk",
			"DATATURE_API_BASE_URL=http://127.0.0.1:8787",
			"curl ",
		]) {
			expect(screen).toContain(wanted);
		}
	});

	it("sends events that its receiver verifies, with a new secret at the second run and still one webhook", async () => {
		const send = block("ts", "events.send");
		const receive = block("ts", "createServer");
		const project = await onlyProject();
		const port = String(await freePort());
		const common = { FANFARE_KEY: ADMIN_KEY, FANFARE_URL: url, WEBHOOK_URL: `http://127.0.0.1:${port}/` };
		for (const WEBHOOK_SECRET of [OTHER_SECRET, SECRET]) {
			const receiver = start(saved("receive.ts", receive), { WEBHOOK_SECRET, PORT: port }, folder.path);
			const sender = start(saved("send.ts", send), { ...common, WEBHOOK_SECRET }, folder.path);
			await until(sender, "is accepted and goes to");
			await until(receiver, 'order.paid: {"orderId":42}');
			await succeeded(project);
			receiver.child.kill();
			await once(receiver.child, "exit");
		}
		const { data: named } = await project.batch.webhooks.list();
		expect(named.filter(({ name }) => name === "orders")).toHaveLength(1);
	});

	it("has a receiver that reports why it refuses a request", async () => {
		const receive = block("ts", "createServer");
		const port = await freePort();
		const receiver = start(saved("receive.ts", receive), { WEBHOOK_SECRET: SECRET, PORT: String(port) }, folder.path);
		const answer = await eventually("the receiver to listen", () =>
			fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: "{}" }).catch(() => null),
		);
		expect(answer.status).toBe(400);
		await until(receiver, "WebhookVerificationError: ");
	});

	it("shows a program of ten lines", () => {
		const send = block("ts", "events.send");
		const lines = send.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("import"));
		expect(lines.length).toBeLessThanOrEqual(10);
	});
});
