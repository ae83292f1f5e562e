// The demo shows what Fanfare promises, with a real server that is killed while events are sent. Read it from top to bottom.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import { Client, utils } from "@fanfare/sdk";

import { firstFate } from "./faults.ts";
import { Ledger } from "./ledger.ts";
import { manageWebhook } from "./manage-webhook.ts";
import { HELP, readOptions, UsageError, type DemoOptions } from "./options.ts";
import { Receiver } from "./receiver.ts";
import { RequestCount } from "./request-count.ts";
import { Screen } from "./screen.ts";
import { ORDER_PAID, sendThroughCrash } from "./send-through-crash.ts";
import type { ServerProcess } from "./server-process.ts";
import { setStage, type Stage } from "./stage.ts";
import { printSummary } from "./summary.ts";
import { count, countOf, seconds, Table } from "./table.ts";
import { problemsOfCrossing, problemsOfSignatures } from "./verdict.ts";

const BUILD_PAGE = fileURLToPath(new URL("../../scripts/build-page.ts", import.meta.url));

const screen = new Screen(process.stdout);

interface Outcome {
	/** What went wrong, one sentence each. */
	readonly problems: readonly string[];
	/** The number of valid signatures. */
	readonly verified: number;
}

/** Plays the demo. */
async function play(options: DemoOptions, { server, adminKey, signal }: Stage): Promise<Outcome> {
	screen.line(screen.style("bold", titleOf(options)));
	const beganAt = Date.now();
	await server.start();
	screen.step("server", `${server.url}, fresh embedded store, up in ${seconds(Date.now() - beganAt)}`);

	const receiver = new Receiver(({ type, data }, number) =>
		type === ORDER_PAID && number === 1 ? firstFate((data as { orderId: number }).orderId) : "accept",
	);
	const receiverUrl = await receiver.start();
	screen.step("receiver", `${receiverUrl}, verifies, and fails some requests`);

	// Its retries must outlast a restart of the server. Its requests are counted.
	const requests = new RequestCount();
	const client = new Client(adminKey, {
		endpoint: server.url,
		maxRetries: 10,
		timeoutMs: 5_000,
		fetch: requests.fetch,
	});
	const project = await client.projects.create({ name: "Demo" }, { signal });
	receiver.secret = utils.generateWebhookSecret();
	const webhook = await project.batch.webhooks.create(
		{
			name: "demo",
			spec: {
				endpoint: `${receiverUrl}/hooks`,
				secret: receiver.secret,
				retries: { maxRetries: options.retries, maxRetryDelay: 500 },
			},
		},
		{ signal },
	);
	screen.step("create", `${webhook.id}, secret generated`);

	const test = await project.batch.webhooks.test(webhook.id, { signal });
	if (test.status !== "Ok") throw new Error(`The test of the webhook failed: ${test.reason}.`);
	screen.step("test", `${test.responseCode} after ${test.latencyMs} ms, signature verified`);

	const ledger = new Ledger();
	receiver.onArrival((arrival) => {
		if (arrival.event.type === ORDER_PAID) ledger.arrived(arrival);
	});
	using table = new Table(screen, ledger);
	const { repeated } = await sendThroughCrash({ ...options, project, server, ledger, table, requests, signal });
	const counts = table.finish();
	const missing = ledger.missing(0);
	const problems = await problemsOfCrossing(counts, missing, project, signal);
	printSummary(screen, counts, missing.length, repeated, options.kills);

	await manageWebhook({ project, webhook, receiver, screen, signal });
	receiver.close();
	return { problems: [...problems, ...problemsOfSignatures(receiver.refusals)], verified: receiver.verified };
}

/** Plays the demo, and returns the exit code. */
async function run(options: DemoOptions, stage: Stage): Promise<number> {
	const beganAt = Date.now();
	try {
		const { problems, verified } = await play(options, stage);
		screen.line();
		for (const problem of problems) screen.bad(problem);
		if (problems.length > 0) return 1;
		const proof = `Nothing was lost, and all ${count(verified)} signatures verified.`;
		screen.good(`${screen.style("bold", proof)} ${screen.style("dim", seconds(Date.now() - beganAt))}`);
		return 0;
	} catch (error) {
		// The reason of an abort says more than the error of the aborted call.
		screen.line();
		screen.bad(messageOf(stage.signal.aborted ? stage.signal.reason : error));
		printServerLog(stage.server);
		return 1;
	} finally {
		if (options.keep) await stage.leaveUp(screen);
	}
}

function titleOf({ events, kills }: DemoOptions): string {
	const crashes = kills === 0 ? "no SIGKILL" : countOf(kills, "SIGKILL");
	return `Fanfare demo: ${countOf(events, "event")}, ${crashes}, and nothing may be lost`;
}

function printServerLog(server: ServerProcess): void {
	const tail = server.logTail();
	screen.line(tail.length === 0 ? "  The server had printed nothing." : "  The server's last lines:");
	for (const line of tail) screen.line(`    ${line}`);
}

/** As `npm start` does: if its sources have changed, and without complaint if it can't be built here. */
function buildPage(): void {
	spawnSync(process.execPath, [BUILD_PAGE, "--if-stale"], { stdio: "inherit" });
}

async function main(): Promise<number> {
	try {
		const options = readOptions(process.argv.slice(2));
		if (options !== "help") {
			if (options.keep) buildPage();
			return await run(options, await setStage(options));
		}
		screen.line(HELP.trimEnd());
		return 0;
	} catch (error) {
		process.stderr.write(`demo: ${messageOf(error)}\n`);
		if (!(error instanceof UsageError)) return 1;
		process.stderr.write("(npm run demo -- --help lists the options)\n");
		return 2;
	}
}

function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}

// The reader has closed the pipe, as `| head` does.
process.stdout.on("error", () => process.exit(1));
process.exit(await main());
