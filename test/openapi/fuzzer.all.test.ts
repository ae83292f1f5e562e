// Schemathesis reads the OpenAPI document, sends thousands of valid and invalid requests to a real server, and compares what comes back:
// no 5xx, no status, type or body that the document does not describe, nothing accepted that it forbids, nothing open without a key.
// Each run takes a third of the calls, another one each day. FANFARE_FUZZ=all takes all of them, FANFARE_FUZZ_EXAMPLES (3) makes it longer,
// and FANFARE_FUZZ_SEED repeats a run.
import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { startReceiver } from "@fanfare/testkit/receiver";
import { startServerProcess } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect, it } from "vitest";

const VERSION = "4.32.5";
/** Kept between runs, and removed by `npm ci`. */
const environment = fileURLToPath(new URL(`../../node_modules/.cache/schemathesis-${VERSION}`, import.meta.url));

/** Calls that are not made, with the reasons. */
const LEFT_OUT = {
	stream: "a stream does not end",
	deleteProject: "every other call would be a 404 from then on",
	deleteWebhook: "the same for the calls about webhooks",
	testWebhook: "each call makes attempts for some seconds",
	conformWebhook: "the same, and one at a time",
};

/** Checks that are not made, with the reasons. */
const CHECKS_LEFT_OUT = {
	positive_data_acceptance:
		"rules about several fields, such as since < until, are in the texts, but no schema can express them",
};

const PARTS = 3;
const DAY_MS = 86_400_000;

/** The ids of the calls that are made. */
function chosen(seed: number): string[] {
	const document = JSON.parse(readFileSync(new URL("../../docs/openapi.json", import.meta.url), "utf8")) as {
		readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly operationId: string }>>>>;
	};
	const all = Object.values(document.paths)
		.flatMap((path) => Object.values(path).map(({ operationId }) => operationId))
		.filter((id) => !Object.hasOwn(LEFT_OUT, id));
	return process.env["FANFARE_FUZZ"] === "all" ? all : all.filter((_, index) => index % PARTS === seed % PARTS);
}

const hasPython = spawnSync("python3", ["-c", "import venv, ensurepip"]).status === 0;
// Also with CI=true: no script of ours can install Python.
if (!hasPython)
	process.stderr.write("skipped: python3 with venv not found; install it to fuzz the API by its document\n");

interface Ended {
	readonly code: number;
	readonly output: string;
}

function run(
	program: string,
	args: readonly string[],
	env: Readonly<Record<string, string>> = {},
	cwd?: string,
): Promise<Ended> {
	return new Promise((resolve) => {
		const options = { env: { ...process.env, ...env }, maxBuffer: 64 * 1_024 * 1_024, cwd };
		execFile(program, args, options, (error, stdout, stderr) => {
			resolve({ code: error === null ? 0 : 1, output: stdout + stderr });
		});
	});
}

/** Makes the virtual environment if there is none. Returns why that is not possible; null if it is there. */
async function prepare(): Promise<string | null> {
	if (existsSync(environment)) return null;
	mkdirSync(join(environment, ".."), { recursive: true });
	const unfinished = `${environment}.${process.pid}`;
	const made = await run("python3", ["-m", "venv", unfinished]);
	const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", `schemathesis==${VERSION}`];
	const installed = made.code === 0 ? await run(join(unfinished, "bin/python"), pip) : made;
	if (installed.code === 0) renameSync(unfinished, environment);
	else rmSync(unfinished, { recursive: true, force: true });
	return installed.code === 0 ? null : `schemathesis can't be installed: ${installed.output.trim().split("\n").at(-1)}`;
}

it.skipIf(!hasPython)("the server keeps to the document, whatever it is sent", async ({ skip }) => {
	const problem = await prepare();
	if (problem !== null) {
		process.stderr.write(`skipped: ${problem}\n`);
		skip(problem);
	}
	using folder = new TemporaryDir();
	await using receiver = await startReceiver();
	await using server = await startServerProcess({ env: { FANFARE_LOG_LEVEL: "error" } });
	const webhook = await server.createWebhook(receiver.url);
	const event = await server.project.events.send({ type: "user.created", data: 1, customerId: "acme" });
	const delivery = await server.waitForDelivery(event.id, ({ status }) => status === "Succeeded");
	await server.project.eventTypes.create({ name: "user.created" });
	const replay = await server.project.batch.webhooks.replay(webhook.id, { since: 0 });
	const ids = {
		projectId: server.projectId,
		webhookId: webhook.id,
		eventId: event.id,
		deliveryId: delivery.id,
		replayId: replay.id,
		eventType: "user.created",
		customerId: "acme",
	};
	const config = [
		"[parameters]",
		...Object.entries(ids).map(([name, value]) => `"path.${name}" = ${JSON.stringify(value)}`),
		"[[operations]]",
		// A batch refuses its events one by one, in a 202.
		'include-operation-id = "sendEvents"',
		"checks.negative_data_rejection.enabled = false",
		"[checks.negative_data_rejection]",
		// Schemathesis does not expect the last two.
		'expected-statuses = ["400", "401", "403", "404", "405", "406", "408", "409", "410", "415", "422", "428", "429", "5xx", "413", "431"]',
	];
	writeFileSync(folder.join("schemathesis.toml"), config.join("\n"));
	const today = String(Math.floor(Date.now() / DAY_MS));
	const { FANFARE_FUZZ_EXAMPLES = "3", FANFARE_FUZZ_SEED = today } = process.env;
	const calls = chosen(Number(FANFARE_FUZZ_SEED));
	// prettier-ignore
	const args = [
		"-m", "schemathesis.cli", "--config-file", folder.join("schemathesis.toml"), "run", `${server.url}/openapi.json`, "--url", server.url, "--header", `Secret-Key: ${server.key}`,
		"--phases", "coverage,fuzzing", "--max-examples", FANFARE_FUZZ_EXAMPLES, "--seed", FANFARE_FUZZ_SEED,
		// One: with several, Python 3.11 can end with "AST constructor recursion depth mismatch".
		"--workers", "1", "--request-timeout", "20", "--warnings", "off", "--no-color",
		"--exclude-checks", Object.keys(CHECKS_LEFT_OUT).join(","),
		...calls.flatMap((id) => ["--include-operation-id", id]),
	];
	const { code, output } = await run(join(environment, "bin/python"), args, { PYTHONUTF8: "1" }, folder.path);
	if (code !== 0) expect.unreachable(output);
	const [, tested, generated] = /Tested: +(\d+)[^]* (\d+) generated/.exec(output) ?? [];
	expect(Number(tested)).toBe(calls.length);
	expect(Number(generated)).toBeGreaterThan(10 * calls.length);
	expect((await server.call("GET", "/readyz")).status).toBe(200);
});
