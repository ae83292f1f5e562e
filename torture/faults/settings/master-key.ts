// The master key is replaced between two runs of the server; the command that does it is killed at any moment, and run again.
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { eventually } from "@fanfare/testkit/eventually";
import { FanfareProcess, runFanfare, type SpawnOptions } from "@fanfare/testkit/fanfare-process";
import { findings } from "@fanfare/testkit/findings";
import { between, type Random } from "@fanfare/testkit/seeded-random";

import type { Fault } from "../../fault.ts";
import { PostgresData } from "../../harness/stores/postgres-data.ts";
import { HIDDEN_HEADER } from "../../harness/webhook-kinds.ts";
import type { Round } from "../../round.ts";

const KEY_FILE = "master.key";
const STAGED_FILE = "master.key.next";
const KEY = "FANFARE_MASTER_KEY";
const NEW_KEY = "FANFARE_NEW_MASTER_KEY";
const ROTATIONS = 2;
const KILLS = 3;
/** Their secrets make the rotation take long enough to be killed in its middle. */
const IDLE_WEBHOOKS = 200;
const AT_ONCE = 20;
const BETWEEN = 15;
/** The command writes the new key, encrypts all secrets and replaces the file within some milliseconds. */
const KILL_WITHIN_MS = 12;
const POLL_MS = 1;
const REFUSED = /^fanfare: the master key .* is not the one /m;

export const masterKeyInFile: Fault = {
	name: "master-key-file",
	summary:
		"the master key in the data directory is replaced between runs, also with SIGKILL of the command: one key is in force",
	weight: 1,
	profiles: ["embedded"],
	setUp: addIdleWebhooks,
	strike: async (round) => {
		const random = round.random("master key");
		await expectRefusedWhileRunning(round);
		for (let n = 0; n < ROTATIONS; n++) {
			await endRun(round, random);
			const old = readKeyFile(round);
			const isDone = n === 0 ? await rotated(round, {}) : await killedSeveralTimes(round, random);
			await round.restart();
			const isReplaced = readKeyFile(round) !== old;
			if (isDone) round.expect(isReplaced, "the key file is the old one after a rotation");
			if (isReplaced) expectGone(round, old);
			await round.load(BETWEEN);
		}
	},
	verify: expectHeaders,
};

export const masterKeyInEnvironment: Fault = {
	name: "master-key-env",
	summary:
		"a master key that the operator keeps is replaced, also with SIGKILL of the command: exactly one of both keys is in force",
	weight: 1,
	prepare: (round) => void (round.env[KEY] = newKey(round, 0)),
	setUp: addIdleWebhooks,
	strike: async (round) => {
		const random = round.random("master key");
		if (isOnDatabase(round)) await expectRefusedWhileRunning(round);
		let current = round.env[KEY] ?? "";
		let tookMs = 0;
		for (let n = 0; n < ROTATIONS; n++) {
			await endRun(round, random);
			const next = newKey(round, n + 1);
			const env = { [KEY]: current, [NEW_KEY]: next };
			const startedAt = Date.now();
			const isDone = n === 0 ? await rotated(round, env) : await interrupted(round, random, { env, tookMs });
			if (n === 0) tookMs = Date.now() - startedAt;
			if (isDone) {
				const isOldRefused = !(await starts(round, current));
				round.expect(isOldRefused, "a start with the old master key succeeded after a rotation");
				if (!isOldRefused) await round.kill();
			}
			const isNew = await starts(round, next);
			if (isNew) current = next;
			else {
				round.expect(!isDone, "a start with the new master key was refused after a rotation");
				await round.restart({ [KEY]: current });
			}
			await round.load(BETWEEN);
		}
	},
	verify: expectHeaders,
};

async function addIdleWebhooks(round: Round): Promise<void> {
	const spec = {
		endpoint: `${round.receiver.url}/idle`,
		eventTypes: ["never.sent"],
		headers: { "x-torture": HIDDEN_HEADER },
	};
	const { webhooks } = round.project.batch;
	// In a database, changes of a project take turns, so that the last of all at once would wait for too long.
	for (let made = 0; made < IDLE_WEBHOOKS; made += AT_ONCE) {
		await Promise.all(Array.from({ length: AT_ONCE }, () => webhooks.create({ name: "idle", spec })));
	}
}

/** Ends the run in one of two ways: the data is then as after a stop, or as after a crash. */
async function endRun(round: Round, random: Random): Promise<void> {
	if (random() < 0.5) {
		await round.kill();
		// A database counts a process that was killed for some seconds.
		if (isOnDatabase(round)) await eventually("the killed server to be lost", () => noneRuns(round));
		return;
	}
	round.server.kill("SIGTERM");
	const { code } = await round.ended("stopped");
	round.expect(code === 0, `the stop before a rotation ended with ${code}`);
}

function isOnDatabase({ data }: Round): boolean {
	return data instanceof PostgresData;
}

async function noneRuns({ database }: Round): Promise<boolean> {
	return (await database.query("SELECT 1 FROM members WHERE expire_date > cluster_now()")).length === 0;
}

async function expectRefusedWhileRunning(round: Round): Promise<void> {
	const env = { [NEW_KEY]: randomBytes(32).toString("base64") };
	const { code, stderr } = await runFanfare(...commandFor(round, isOnDatabase(round) ? env : {}));
	const reason = isOnDatabase(round) ? "a server runs on the database" : String(round.server.pid);
	round.expect(code === 1 && stderr.includes(reason), `a rotation beside the server ended with ${code}: ${stderr}`);
}

/** Runs the command to its end. */
async function rotated(round: Round, env: Readonly<Record<string, string>>): Promise<boolean> {
	const { code, stdout, stderr } = await runFanfare(...commandFor(round, env));
	round.output += stdout + stderr;
	round.expect(code === 0, `the rotation of the master key ended with ${code}: ${stderr}`);
	return code === 0;
}

/** Runs the command again after each kill. Returns whether the last one had ended before. */
async function killedSeveralTimes(round: Round, random: Random): Promise<boolean> {
	let isDone = false;
	for (let n = 0; n < KILLS && !isDone; n++) isDone = await killedWhenStaged(round, random);
	return isDone;
}

/** Kills the command soon after it has written the new key beside the old one. Returns whether it had ended before. */
async function killedWhenStaged(round: Round, random: Random): Promise<boolean> {
	const staged = join(round.dataDir, STAGED_FILE);
	// An earlier rotation that was killed may have left it.
	const before = existsSync(staged) ? readFileSync(staged, "utf8") : null;
	await using command = new FanfareProcess(...commandFor(round, {}));
	while (command.exit === null && (!existsSync(staged) || readFileSync(staged, "utf8") === before))
		await delay(POLL_MS);
	await delay(between(random, 0, KILL_WITHIN_MS));
	return await killed(round, command);
}

/** Kills the command at any moment of its work. Returns whether it had ended before. */
async function interrupted(
	round: Round,
	random: Random,
	{ env, tookMs }: { readonly env: Readonly<Record<string, string>>; readonly tookMs: number },
): Promise<boolean> {
	// An earlier rotation that was killed may have left some.
	const before = isOnDatabase(round) ? await stagedIn(round) : NOTHING;
	await using command = new FanfareProcess(...commandFor(round, env));
	if (isOnDatabase(round)) {
		const isStaged = async () => ![NOTHING, before].includes(await stagedIn(round));
		while (command.exit === null && !(await isStaged())) await delay(POLL_MS);
		await delay(between(random, 0, KILL_WITHIN_MS));
	} else await Promise.race([delay(between(random, tookMs / 2, tookMs)), command.exited]);
	return await killed(round, command);
}

/** The last transaction that has staged secrets in the database. */
async function stagedIn({ database }: Round): Promise<string> {
	const [row] = await database.query("SELECT max(xmin::text::bigint)::text AS last FROM resealed");
	return String(row?.["last"]);
}

/** What `stagedIn` returns if none has. */
const NOTHING = "null";

async function killed(round: Round, command: FanfareProcess): Promise<boolean> {
	command.kill("SIGKILL");
	const { code } = await command.exited;
	round.output += command.stdout + command.stderr;
	return code === 0;
}

function commandFor(round: Round, env: Readonly<Record<string, string>>): [string[], SpawnOptions] {
	const command = "rotate-master-key";
	// Of a database, its URL and the key that the operator keeps.
	if (isOnDatabase(round)) return [[command], { env: { ...round.data.env, [KEY]: round.env[KEY] ?? "", ...env } }];
	return [[command, "--data-dir", round.dataDir], { env }];
}

/** Whether the server starts with this key. If not, it must say why. */
async function starts(round: Round, key: string): Promise<boolean> {
	await round.begin({ [KEY]: key });
	const exit = await Promise.race([
		round.server.exited,
		round.server.ready().then(
			() => null,
			() => round.server.exited,
		),
	]);
	if (exit === null) return true;
	round.expect(
		exit.code === 1 && REFUSED.test(round.server.stderr),
		`a start ended with ${exit.code}: ${round.server.stderr}`,
	);
	await round.ended("stopped");
	return false;
}

/** A master key, which must be in no file and no log: the operator keeps it. */
function newKey(round: Round, number: number): string {
	const key = randomBytes(32);
	round.hiddenValues.set(`master key ${number}`, key);
	return key.toString("base64");
}

function readKeyFile({ dataDir }: Round): string {
	return readFileSync(join(dataDir, KEY_FILE), "utf8").trim();
}

/** A key that was replaced is in no file any more. */
function expectGone(round: Round, key: string): void {
	const names = readdirSync(round.dataDir);
	const places = new Map(names.map((name) => [name, readFileSync(join(round.dataDir, name))]));
	for (const name of findings(places, Buffer.from(key, "base64")))
		round.breach("secrets", `the old master key is in ${name}`);
	round.hiddenValues.set(`an old master key`, Buffer.from(key, "base64"));
}

/** The values of headers are encrypted under the master key, too. */
async function expectHeaders(round: Round): Promise<void> {
	const requests = round.receiver.requests.filter(({ path }) => path === "/healthy");
	const wrong = requests.filter(({ headers }) => headers["x-torture"] !== HIDDEN_HEADER).length;
	round.expect(wrong === 0, `${wrong} of ${requests.length} requests did not have the header of their webhook`);
}
