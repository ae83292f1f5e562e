// `fanfare serve`: runs the server until it is told to stop.
import { setFlagsFromString } from "node:v8";

import { describeSettings, readConfig, startServer, VERSION, type RunningServer } from "@fanfare/server";
import type { Command } from "commander";

import { reportAndExit } from "./report.ts";

/** Names that begin like settings of the server and belong to others in the same environment. */
const FOREIGN_VARIABLES = ["FANFARE_NEW_MASTER_KEY", "FANFARE_KEY", "FANFARE_URL"];
const SIGNAL_EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

export function addServe(program: Command): void {
	program.version(VERSION, "-V, --version", "print the version");
	const command = program
		.command("serve")
		.description("Start the server. Each option can also be set in the environment; docs/configuration.md tells more.");
	const settings = describeSettings();
	for (const { flag, variable, meaning, expected, defaultText } of settings.filter(({ isSecret }) => !isSecret)) {
		const help = `${meaning} Must be ${expected}. Default: ${defaultText}. [${variable}]`;
		command.option(`--${flag} <value>`, help.replaceAll("`", ""));
	}
	const secrets = settings.filter(({ isSecret }) => isSecret).map(({ variable }) => variable);
	command.addHelpText("after", `\nSecrets are set in the environment alone: ${secrets.join(", ")}.`);
	command.action(async (options: Record<string, string>) => {
		try {
			await serve(options);
		} catch (error) {
			reportAndExit(error);
		}
	});
}

/**
 * V8 moves what is made in one place of the code straight into the old generation once most of that has outlived a collection, as
 * everything does that waits for a commit at that moment. There it dies soon, and until the next full collection keeps alive all
 * that it points to: whole requests. Without that an event takes 130 µs of CPU instead of 156 under load, and at 2,000 events a second
 * the slowest hundredth is acknowledged after 6 ms instead of 10.
 */
function keepShortLivedObjectsYoung(): void {
	setFlagsFromString("--no-allocation-site-pretenuring");
}

/** Whoever read what we say may go away, as `tee` does at a Ctrl-C, or its disk may be full: that is no reason to end. */
function goOnUnheard(): void {
	process.stderr.on("error", () => {});
}

/**
 * libuv has four threads, and gives two of them to look-ups of names: two receivers whose name servers are silent would take both, for
 * ten seconds at a time. Threads that have nothing to do cost nothing worth mentioning. Works until the first of them has started.
 */
function giveLookUpsThreads(): void {
	process.env["UV_THREADPOOL_SIZE"] ??= "32";
}

async function serve(options: Readonly<Record<string, string>>): Promise<void> {
	keepShortLivedObjectsYoung();
	goOnUnheard();
	giveLookUpsThreads();
	const config = readConfig(process.env, toFlags(options), FOREIGN_VARIABLES);
	const started = stopOnSignals();
	const server = await startServer(config, { overrideGlobals: true });
	announce(server);
	started(server);
}

/** commander gives `dataDir` for `--data-dir`. */
function toFlags(options: Readonly<Record<string, string>>): Record<string, string> {
	const flagName = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
	return Object.fromEntries(Object.entries(options).map(([name, value]) => [flagName(name), value]));
}

/** For people, on standard error: standard output is the log's. */
function announce({ url, dataDir, firstStart, engine }: RunningServer): void {
	const lines = [`Fanfare ${VERSION} listens on ${url} (data in ${dataDir}; calls: ${url}/docs)`];
	if (firstStart !== null) {
		lines.push(`  Workspace  ${engine.workspace.id}`, `  Project    ${firstStart.project.id}`);
		if (firstStart.secretKey !== null) {
			lines.push(
				`  Admin key  ${firstStart.secretKey}`,
				"  The key is shown this once. Keep it: what is stored is only its hash.",
			);
		}
	}
	process.stderr.write(`${lines.join("\n")}\n`);
}

/**
 * The first signal stops gracefully; a second one at once, which loses nothing: what was accepted is on the disk. So does one during
 * the start, where nothing is under way. Without a listener that one would pass unheard in a container, where this is process 1.
 */
function stopOnSignals(): (server: RunningServer) => void {
	let running: RunningServer | null = null;
	let signalled = false;
	for (const signal of ["SIGINT", "SIGTERM"] as const) {
		process.on(signal, () => {
			if (signalled || running === null) process.exit(SIGNAL_EXIT_CODES[signal]);
			signalled = true;
			process.stderr.write("Stopping: attempts under way may finish. Once more to stop at once.\n");
			running.stop().then(
				() => process.exit(0),
				(error: unknown) => reportAndExit(error),
			);
		});
	}
	return (server) => {
		running = server;
	};
}
