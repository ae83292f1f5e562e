// SIGHUP: a real server reads its settings again, and what is not valid changes nothing.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { eventually } from "@fanfare/testkit/eventually";
import { startReceiver } from "@fanfare/testkit/receiver";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { afterAll, beforeAll, expect, it } from "vitest";

import { runInProcess } from "./support/in-process.ts";

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
	readonly setting?: string;
}

let server: ServerProcess;
const dir = new TemporaryDir();
const file = dir.join("settings.env");
beforeAll(async () => {
	write(DEFAULT);
	server = await startServerProcess({ env: { FANFARE_SETTINGS_FILE: file } });
});
afterAll(async () => {
	await server[Symbol.asyncDispose]();
	dir[Symbol.dispose]();
});

/** The lines of the log that contain this. */
const linesWith = (text: RegExp) =>
	server.stdout
		.split("\n")
		.filter((line) => text.test(line))
		.map((line) => JSON.parse(line) as Line);

/** Writes other settings, sends the signal, and returns the line of the log that says what came of it. */
async function reload(settings: Readonly<Record<string, string>> | null): Promise<Line> {
	const lines = () => linesWith(/"the settings (were|could not be) read again/);
	const before = lines().length;
	if (settings === null) rmSync(file);
	else write(settings);
	server.kill("SIGHUP");
	return eventually("the line about the settings", () => lines()[before]);
}

function write(settings: Readonly<Record<string, string>>): void {
	const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
	writeFileSync(file, `# Settings that can change\n\n${lines.join("")}`);
}

it("takes every setting that the reference calls changeable, and says which ones have changed", async () => {
	expect(CHANGEABLE.length).toBeGreaterThan(20);
	await reload(DEFAULT);
	const settings = Object.fromEntries(CHANGEABLE.map(({ variable, example }) => [variable, example]));
	expect(await reload(settings)).toMatchObject({
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
	expect(await reload(settings)).toMatchObject({ changed: [] });
	expect((await reload(DEFAULT)).changed).toHaveLength(CHANGEABLE.length);
	expect((await server.call("GET", "/workspace/egress-addresses")).json).toMatchObject({ addresses: [] });
});

it("allows no longer what is taken back, not even over a connection that is kept, and allows it again", async () => {
	await using receiver = await startReceiver();
	const allowed = { FANFARE_ALLOW_HTTP: "true", FANFARE_ALLOW_NETWORKS: "127.0.0.0/8" };
	await reload(allowed);
	await server.createWebhook(receiver.url, { retries: { maxRetries: 0, maxRetryDelay: 0 } });
	const send = async () => (await server.project.events.send({ type: "a", data: 1 })).id;
	await server.waitForDelivery(await send(), ({ status }) => status === "Succeeded");
	expect(await reload({ FANFARE_ALLOW_HTTP: "true" })).toMatchObject({ changed: ["FANFARE_ALLOW_NETWORKS"] });
	const refused = await server.waitForDelivery(await send(), ({ status }) => status === "Failed");
	expect(refused.lastAttempt?.error).toBe("blocked_address");
	await expect(server.createWebhook(receiver.url)).rejects.toMatchObject({ status: 400 });
	expect(receiver.requests).toHaveLength(1);
	await reload(allowed);
	await server.project.deliveries.retry(refused.id);
	await server.waitForDelivery(refused.eventId, ({ status }) => status === "Succeeded");
});

it("refuses a file without any setting, at a start and while it runs, and warns when retention becomes shorter", async () => {
	const keepAll = { FANFARE_RETENTION_DAYS: "0", FANFARE_PAYLOAD_RETENTION_DAYS: "90" };
	await reload(keepAll);
	const before = linesWith(/retention is shorter now/).length;
	const warnings = () => linesWith(/retention is shorter now/).slice(before);
	expect(await reload({})).toMatchObject({
		level: "error",
		problems: [
			`${file} must contain a setting such as FANFARE_LOG_LEVEL=info, got none. Without one, each setting would have its default`,
		],
	});
	const others = { DATABASE_URL: "postgres://localhost/app", NODE_ENV: "production" };
	expect(await reload(others)).toMatchObject({
		level: "error",
		problems: [expect.stringContaining("got only others: DATABASE_URL, NODE_ENV. Without one,")],
	});
	expect(await reload({ ...others, FANFARE_LOGLEVEL: "debug" })).toMatchObject({
		problems: [expect.stringContaining("did you mean FANFARE_LOG_LEVEL?")],
	});
	// Nothing has changed, and a longer retention is no reason for a warning.
	expect(await reload({ ...keepAll, FANFARE_PAYLOAD_RETENTION_DAYS: "100" })).toMatchObject({
		changed: ["FANFARE_PAYLOAD_RETENTION_DAYS"],
	});
	expect(warnings()).toEqual([]);
	await reload({ FANFARE_PAYLOAD_RETENTION_DAYS: "7" });
	await eventually("the warnings", () => warnings().length === 2);
	expect(warnings()).toMatchObject([
		{ level: "warn", setting: "FANFARE_RETENTION_DAYS", days: 30, daysBefore: 0 },
		{ level: "warn", setting: "FANFARE_PAYLOAD_RETENTION_DAYS", days: 7, daysBefore: 100 },
	]);
	await reload({ FANFARE_PAYLOAD_RETENTION_DAYS: "7", FANFARE_AUDIT_RETENTION_DAYS: "90" });
	await eventually("the warning", () => warnings().length === 3);
	expect(warnings().at(-1)).toMatchObject({ setting: "FANFARE_AUDIT_RETENTION_DAYS", days: 90, daysBefore: 365 });
	// From now on, payloads are kept as long as their event.
	expect(await reload({ FANFARE_RETENTION_DAYS: "30" })).toMatchObject({
		changed: ["FANFARE_PAYLOAD_RETENTION_DAYS", "FANFARE_AUDIT_RETENTION_DAYS"],
	});
	expect(warnings()).toHaveLength(3);
	write({});
	const start = await runInProcess(["config"], { env: { FANFARE_SETTINGS_FILE: file } });
	expect(start.stderr + start.stdout).toContain("must contain a setting such as");
	expect(start.code).not.toBe(0);
});

it("refuses what exceeds a limit that became lower, and keeps what is there", async () => {
	await reload(DEFAULT);
	const { client } = server;
	await client.projects.create({ name: "Second" });
	await reload({ FANFARE_MAX_PROJECTS: "1" });
	await expect(client.projects.create({ name: "Third" })).rejects.toMatchObject({ status: 409 });
	expect(await client.listProjects()).toHaveLength(2);
	await reload({ FANFARE_MAX_PROJECTS: "3" });
	await client.projects.create({ name: "Third" });
});

it("keeps all settings if one is not valid or the file is gone, and says so in the log", async () => {
	const good = { FANFARE_EGRESS_ADDRESSES: "203.0.113.7" };
	await reload(good);
	const bad = { FANFARE_EGRESS_ADDRESSES: "203.0.113.8", FANFARE_LOG_LEVEL: "loud" };
	expect(await reload(bad)).toMatchObject({
		level: "error",
		problems: [expect.stringContaining("FANFARE_LOG_LEVEL must be one of")],
	});
	expect(await reload({ ...good, FANFARE_ALLOW_NETWORKS: "10.0.0.0/99" })).toMatchObject({ level: "error" });
	expect(await reload(null)).toMatchObject({
		level: "error",
		problems: [expect.stringMatching(/^FANFARE_SETTINGS_FILE must name a file that can be read: ENOENT/)],
	});
	expect((await server.call("GET", "/workspace/egress-addresses")).json).toMatchObject({ addresses: ["203.0.113.7"] });
	expect(await reload({ FANFARE_EGRESS_ADDRESSES: "203.0.113.9" })).toMatchObject({ level: "info" });
	expect((await server.call("GET", "/workspace/egress-addresses")).json).toMatchObject({ addresses: ["203.0.113.9"] });
});
