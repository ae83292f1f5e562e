// SIGHUP: a real server reads its settings again, and what is not valid changes nothing.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { eventually } from "@fanfare/testkit/eventually";
import { FanfareProcess, runFanfare } from "@fanfare/testkit/fanfare-process";
import { startReceiver } from "@fanfare/testkit/receiver";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect, it } from "vitest";

const REFERENCE = fileURLToPath(new URL("../../../docs/configuration.md", import.meta.url));
/** The settings that change while the server runs, with their examples, as the reference has them. */
const CHANGEABLE = [
	...readFileSync(REFERENCE, "utf8").matchAll(/^\| `(FANFARE_\w+)` .*\| `([^`|]+)` +\| yes +\|$/gm),
].map(([, variable = "", example = ""]) => ({ variable, example }));

/** A file needs a setting. */
const DEFAULT = { FANFARE_MAX_KEYS: "10000" };

interface Line {
	readonly level: string;
	readonly msg: string;
	readonly changed?: readonly string[];
	readonly needRestart?: readonly string[];
	readonly problems?: readonly string[];
}

/** A server with a file of settings. */
class Reloading implements AsyncDisposable {
	readonly server: ServerProcess;
	readonly #dir: TemporaryDir;

	private constructor(server: ServerProcess, dir: TemporaryDir) {
		this.server = server;
		this.#dir = dir;
	}

	static async start(settings: Readonly<Record<string, string>>, preload: readonly string[] = []): Promise<Reloading> {
		const dir = new TemporaryDir();
		const file = dir.join("settings.env");
		write(file, settings);
		return new Reloading(await startServerProcess({ env: { FANFARE_SETTINGS_FILE: file }, preload }), dir);
	}

	get file(): string {
		return this.#dir.join("settings.env");
	}

	/** Writes other settings, sends the signal, and returns the line of the log that says what came of it. */
	async reload(settings: Readonly<Record<string, string>> | null): Promise<Line> {
		const before = this.lines().length;
		if (settings === null) rmSync(this.file);
		else write(this.file, settings);
		this.server.kill("SIGHUP");
		return eventually("the line about the settings", () => this.lines()[before]);
	}

	lines(): Line[] {
		const lines = this.server.stdout
			.split("\n")
			.filter((line) => /"the settings (were|could not be) read again/.test(line));
		return lines.map((line) => JSON.parse(line) as Line);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.server[Symbol.asyncDispose]();
		this.#dir[Symbol.dispose]();
	}
}

function write(file: string, settings: Readonly<Record<string, string>>): void {
	const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
	writeFileSync(file, `# Settings that can change\n\n${lines.join("")}`);
}

it("takes every setting that the reference calls changeable, and says which ones have changed", async () => {
	expect(CHANGEABLE.length).toBeGreaterThan(20);
	await using reloading = await Reloading.start(DEFAULT);
	const { server } = reloading;
	const settings = Object.fromEntries(CHANGEABLE.map(({ variable, example }) => [variable, example]));
	expect(await reloading.reload(settings)).toMatchObject({
		level: "info",
		changed: CHANGEABLE.map(({ variable }) => variable),
		needRestart: [],
	});
	expect((await server.call("GET", "/workspace/egress-addresses")).json).toMatchObject({
		addresses: ["203.0.113.7", "2001:db8:1::/64"],
	});
	const preflight = { origin: "https://app.example.com", "access-control-request-method": "GET" };
	const answer = await server.call("OPTIONS", `/projects/${server.projectId}/deliveries`, undefined, preflight);
	expect(answer.headers.get("access-control-allow-origin")).toBe("https://app.example.com");
	expect((await server.client.getStatus()).limits).toContainEqual(
		expect.objectContaining({ name: "maxProjects", allowed: 100 }),
	);
	// The same file again, and then one in which the settings have their defaults.
	expect(await reloading.reload(settings)).toMatchObject({ changed: [] });
	expect((await reloading.reload(DEFAULT)).changed).toHaveLength(CHANGEABLE.length);
	expect((await server.call("GET", "/workspace/egress-addresses")).json).toMatchObject({ addresses: [] });
	expect(await server.stop()).toEqual({ code: 0, signal: null });
});

it("allows no longer what is taken back, not even over a connection that is kept, and allows it again", async () => {
	await using receiver = await startReceiver();
	const allowed = { FANFARE_ALLOW_HTTP: "true", FANFARE_ALLOW_NETWORKS: "127.0.0.0/8" };
	await using reloading = await Reloading.start(allowed);
	const { server } = reloading;
	await server.createWebhook(receiver.url, { retries: { maxRetries: 0, maxRetryDelay: 0 } });
	const send = async () => (await server.project.events.send({ type: "a", data: 1 })).id;
	await server.waitForDelivery(await send(), ({ status }) => status === "Succeeded");
	expect(await reloading.reload({ FANFARE_ALLOW_HTTP: "true" })).toMatchObject({ changed: ["FANFARE_ALLOW_NETWORKS"] });
	const refused = await server.waitForDelivery(await send(), ({ status }) => status === "Failed");
	expect(refused.lastAttempt?.error).toBe("blocked_address");
	await expect(server.createWebhook(receiver.url)).rejects.toMatchObject({ status: 400 });
	expect(receiver.requests).toHaveLength(1);
	await reloading.reload(allowed);
	await server.project.deliveries.retry(refused.id);
	await server.waitForDelivery(refused.eventId, ({ status }) => status === "Succeeded");
});

it("refuses a file without any setting, at a start and while it runs, and warns when retention becomes shorter", async () => {
	const keepAll = { FANFARE_RETENTION_DAYS: "0", FANFARE_PAYLOAD_RETENTION_DAYS: "90" };
	await using reloading = await Reloading.start(keepAll);
	const warnings = () =>
		reloading.server.stdout
			.split("\n")
			.filter((line) => line.includes("retention is shorter now"))
			.map((line) => JSON.parse(line) as Line & { readonly setting: string; readonly days: number });
	expect(await reloading.reload({})).toMatchObject({
		level: "error",
		problems: [
			`${reloading.file} must contain a setting such as FANFARE_LOG_LEVEL=info, got none. Without one, each setting would have its default`,
		],
	});
	const others = { DATABASE_URL: "postgres://localhost/app", NODE_ENV: "production" };
	expect(await reloading.reload(others)).toMatchObject({
		level: "error",
		problems: [expect.stringContaining("got only others: DATABASE_URL, NODE_ENV. Without one,")],
	});
	expect(await reloading.reload({ ...others, FANFARE_LOGLEVEL: "debug" })).toMatchObject({
		problems: [expect.stringContaining("did you mean FANFARE_LOG_LEVEL?")],
	});
	// Nothing has changed, and a longer retention is no reason for a warning.
	expect(await reloading.reload({ ...keepAll, FANFARE_PAYLOAD_RETENTION_DAYS: "100" })).toMatchObject({
		changed: ["FANFARE_PAYLOAD_RETENTION_DAYS"],
	});
	expect(warnings()).toEqual([]);
	await reloading.reload({ FANFARE_PAYLOAD_RETENTION_DAYS: "7" });
	await eventually("the warnings", () => warnings().length === 2);
	expect(warnings()).toMatchObject([
		{ level: "warn", setting: "FANFARE_RETENTION_DAYS", days: 30, daysBefore: 0 },
		{ level: "warn", setting: "FANFARE_PAYLOAD_RETENTION_DAYS", days: 7, daysBefore: 100 },
	]);
	await reloading.reload({ FANFARE_PAYLOAD_RETENTION_DAYS: "7", FANFARE_AUDIT_RETENTION_DAYS: "90" });
	await eventually("the warning", () => warnings().length === 3);
	expect(warnings().at(-1)).toMatchObject({ setting: "FANFARE_AUDIT_RETENTION_DAYS", days: 90, daysBefore: 365 });
	// From now on, payloads are kept as long as their event.
	expect(await reloading.reload({ FANFARE_RETENTION_DAYS: "30" })).toMatchObject({
		changed: ["FANFARE_PAYLOAD_RETENTION_DAYS", "FANFARE_AUDIT_RETENTION_DAYS"],
	});
	expect(warnings()).toHaveLength(3);
	write(reloading.file, {});
	const start = await runFanfare(["config"], { env: { FANFARE_SETTINGS_FILE: reloading.file } });
	expect(start.stderr + start.stdout).toContain("must contain a setting such as");
	expect(start.code).not.toBe(0);
});

it("refuses what exceeds a limit that became lower, and keeps what is there", async () => {
	await using reloading = await Reloading.start(DEFAULT);
	const { client } = reloading.server;
	await client.projects.create({ name: "Second" });
	await reloading.reload({ FANFARE_MAX_PROJECTS: "1" });
	await expect(client.projects.create({ name: "Third" })).rejects.toMatchObject({ status: 409 });
	expect(await client.listProjects()).toHaveLength(2);
	await reloading.reload({ FANFARE_MAX_PROJECTS: "3" });
	await client.projects.create({ name: "Third" });
});

it("keeps all settings if one is not valid or the file is gone, and says so in the log", async () => {
	const good = { FANFARE_EGRESS_ADDRESSES: "203.0.113.7" };
	await using reloading = await Reloading.start(good);
	const { server } = reloading;
	const bad = { FANFARE_EGRESS_ADDRESSES: "203.0.113.8", FANFARE_LOG_LEVEL: "loud" };
	expect(await reloading.reload(bad)).toMatchObject({
		level: "error",
		problems: [expect.stringContaining("FANFARE_LOG_LEVEL must be one of")],
	});
	expect(await reloading.reload({ ...good, FANFARE_ALLOW_NETWORKS: "10.0.0.0/99" })).toMatchObject({ level: "error" });
	expect(await reloading.reload(null)).toMatchObject({
		level: "error",
		problems: [expect.stringMatching(/^FANFARE_SETTINGS_FILE must name a file that can be read: ENOENT/)],
	});
	expect((await server.call("GET", "/workspace/egress-addresses")).json).toMatchObject({ addresses: ["203.0.113.7"] });
	expect(await reloading.reload({ FANFARE_EGRESS_ADDRESSES: "203.0.113.9" })).toMatchObject({ level: "info" });
	expect((await server.call("GET", "/workspace/egress-addresses")).json).toMatchObject({ addresses: ["203.0.113.9"] });
});

it("loses no signal that comes during the start", async () => {
	const early = `data:text/javascript,${encodeURIComponent(`
		import { isMainThread } from "node:worker_threads";
		if (isMainThread) process.on("newListener", (event) => {
			if (event === "SIGHUP") setImmediate(() => process.emit("SIGHUP"));
		});
	`)}`;
	await using reloading = await Reloading.start(DEFAULT, [early]);
	await eventually("the settings to be read again", () => reloading.lines().length === 1);
});

it("stops at SIGHUP if it has a terminal, since that has gone", async () => {
	using dir = new TemporaryDir();
	const terminal = `data:text/javascript,process.stderr.isTTY=true`;
	await using server = new FanfareProcess(["serve"], {
		env: { FANFARE_PORT: "0", FANFARE_DATA_DIR: dir.join("data") },
		preload: [terminal],
	});
	await server.waitForStderr(/listens on/);
	server.kill("SIGHUP");
	expect(await server.exited).toEqual({ code: 0, signal: null });
	expect(server.stderr).toContain("Stopping");
});

it("refuses a file with lines that can have no effect, and `config` names the file as the source", async () => {
	using dir = new TemporaryDir();
	const file = dir.join("settings.env");
	const env = { FANFARE_SETTINGS_FILE: file, FANFARE_LOG_LEVEL: "warn" };
	const lines = [
		"FANFARE_PORT=1",
		"FANFARE_LOG_LEVEL=debug",
		"FANFARE_MAX_KEYS",
		"FANFARE_RELAYS=true",
		"export FANFARE_RELAYS=false",
	];
	writeFileSync(file, lines.join("\n"));
	const { code, stderr } = await runFanfare(["serve", "--data-dir", dir.join("data")], { env });
	expect([code, stderr.trim().split("\n")]).toEqual([
		1,
		[
			`fanfare: ${file}, line 1: FANFARE_PORT cannot change while the server runs: set it in the environment`,
			`fanfare: ${file}, line 2: FANFARE_LOG_LEVEL is also set in the environment: remove one of them`,
			`fanfare: ${file}, line 3 must be of the form FANFARE_LOG_LEVEL=debug`,
			`fanfare: ${file}, line 5: FANFARE_RELAYS appears a second time: remove one of them`,
		],
	]);
	writeFileSync(file, 'FANFARE_MAX_KEYS="7" # few\nFANFARE_LOGLEVEL=debug\n');
	const typo = await runFanfare(["config"], { env });
	expect([typo.code, typo.stderr]).toEqual([1, expect.stringContaining("did you mean FANFARE_LOG_LEVEL?")]);
	writeFileSync(file, 'FANFARE_MAX_KEYS="7" # few\n');
	const { stdout } = await runFanfare(["config", "--json"], { env });
	const rows = stdout
		.trim()
		.split("\n")
		.map((line) => JSON.parse(line) as { name: string; source: string });
	expect(rows.find(({ name }) => name === "max-keys")).toMatchObject({ value: "7", source: file });
});
