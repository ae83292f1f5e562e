// `fanfare serve`: runs the server until a signal stops it.
import { ListenError, startServer, tuneProcess, VERSION, type Config, type RunningServer } from "@fanfare/server";
import type { Command } from "commander";

import { addSettingOptions, toFlags } from "./commands/operate/setting-options.ts";
import { goOnWithoutOutput } from "./frame/outputs.ts";
import { reportAndExit } from "./report.ts";
import { readSettings } from "./settings-file.ts";

/**
 * Under npm, Ctrl-C on a terminal arrives twice: the terminal sends it to all processes, and npm passes it on. A repetition
 * in this time is not a second request.
 */
const REPEATED_BY_NPM_MS = 1_000;
const SIGNAL_EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;
/** How long a server that can't go on gets to close its connections and to write its last log lines. */
const LAST_GRACE_MS = 5_000;

type ServeOptions = Readonly<Record<string, string>> & { readonly signInLink?: boolean };

/** Adds the command to the program, with an option for each setting that is not secret. */
export function addServe(program: Command): void {
	const command = program
		.command("serve")
		.summary("Start the server.")
		.description("Start the server. Each option can also be set with the environment variable in brackets.");
	command.option(
		"--sign-in-link",
		"Print a link that signs in to the page, also if standard error is no terminal. Whoever reads it within 10 minutes can use it, once.",
	);
	addSettingOptions(command);
	command.action(async ({ signInLink = false, ...options }: ServeOptions) => {
		try {
			await serve(toFlags(options), { isLinkWanted: signInLink });
		} catch (error) {
			reportAndExit(error);
		}
	});
}

/** How a server is started by another command than `serve`. */
interface ServeChanges {
	/** Makes a link that signs in, also where standard error is no terminal. */
	readonly isLinkWanted?: boolean;
	/** Instead of the environment. */
	readonly env?: NodeJS.ProcessEnv;
	/** Says that the server runs, instead of the announcement of `serve`. It gets the generated key of a first start. */
	readonly announce?: (server: RunningServer) => void;
}

/** Runs a server until a signal stops it. `flags` are named like `data-dir`. */
export async function serve(flags: Readonly<Record<string, string>>, changes: ServeChanges = {}): Promise<void> {
	const { isLinkWanted = false, env = process.env, announce: tell = announce } = changes;
	tuneProcess();
	// Their reader may end, as `tee` does on Ctrl-C, or their disk may be full.
	goOnWithoutOutput();
	const config = readSettings(env, flags);
	const started = stopOnSignals();
	const reloadable = onHangUp(() => readSettings(env, flags));
	const onUpgrade = (line: string) =>
		void process.stderr.write(`Upgrade: ${line}
`);
	// On a terminal, the lines of the log follow the announcement. Elsewhere they go to a reader of their own.
	const onTerminal = process.stdout.isTTY;
	const starting = startServer(config, {
		overrideGlobals: true,
		onUpgrade,
		// What is printed elsewhere than on a terminal is often kept, and read by many.
		adminKeyToFile: changes.announce === undefined && !process.stderr.isTTY,
		signInLink: isLinkWanted || process.stderr.isTTY,
		...(onTerminal && { onRunning: tell }),
	});
	const server = await starting.catch((error: unknown) => {
		// Whoever has set it by an option is told of the option.
		if (!(error instanceof ListenError) || flags[error.setting] === undefined) throw error;
		throw new Error(error.messageWith(`--${error.setting}`), { cause: error });
	});
	if (!onTerminal) tell(server);
	started(server);
	reloadable(server);
	server.closed.catch((reason: unknown) => endAfterFailure(server, reason));
}

/**
 * The server can't go on and is stopping by itself. Ends the process with exit code 1, so that whoever supervises it
 * starts it again.
 */
async function endAfterFailure(server: RunningServer, reason: unknown): Promise<never> {
	setTimeout(() => reportAndExit(reason), LAST_GRACE_MS);
	// A failure to stop would be reported instead of its cause.
	await server.stop().catch(() => {});
	return reportAndExit(reason);
}

/**
 * Prints the addresses to standard error, since standard output is for the log. On a first start also the generated key, or
 * the file that has it; on a terminal also a link that signs in to the page.
 */
function announce({ url, publicUrl, dataDir, firstStart, engine, signInLink, role }: RunningServer): void {
	const what = {
		all: `API documentation: ${publicUrl}/docs`,
		api: `API documentation: ${publicUrl}/docs; it delivers nothing: FANFARE_ROLE is api`,
		worker: "it only delivers: FANFARE_ROLE is worker",
	}[role];
	const lines = [`Fanfare ${VERSION} listens on ${url} (data in ${dataDir ?? "the database"}; ${what})`];
	if (publicUrl !== url && role !== "worker") lines.push(`  Public URL ${publicUrl}`);
	if (firstStart !== null) {
		const { secretKey, adminKeyFile } = firstStart;
		lines.push(`  Workspace  ${engine.workspace.id}`, `  Project    ${firstStart.project.id}`);
		if (secretKey !== null) {
			lines.push(
				`  Admin key  ${secretKey}`,
				"  Save the key now: only its hash is stored, so it cannot be shown again.",
			);
		}
		if (adminKeyFile !== null) {
			lines.push(
				`  Admin key  in the file ${adminKeyFile}`,
				"  Move the key to a safe place and delete the file: only the key's hash is stored, so it cannot be shown again.",
			);
		}
	}
	if (signInLink !== null) {
		lines.push(`  Page       ${signInLink}`, "  Open it in a browser to sign in: it works once, within 10 minutes.");
	}
	process.stderr.write(`${lines.join("\n")}\n`);
}

/**
 * The first signal stops the server gracefully. A second one ends the process at once, which loses nothing: accepted
 * events are on disk. A signal during the start also ends it at once. That needs a listener too: in a container, the
 * server is process 1, which ignores signals that have none.
 */
function stopOnSignals(): (server: RunningServer) => void {
	let running: RunningServer | null = null;
	/** When the first signal came, in monotonic time. */
	let signalledAt: number | null = null;
	for (const signal of ["SIGINT", "SIGTERM"] as const) {
		process.on(signal, () => {
			if (signalledAt !== null && isRepeatedByNpm(signalledAt)) return;
			if (signalledAt !== null || running === null) process.exit(SIGNAL_EXIT_CODES[signal]);
			signalledAt = performance.now();
			process.stderr.write("Stopping: waiting for attempts in flight. Send the signal again to stop at once.\n");
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

/**
 * SIGHUP reads the settings again. One that comes during the start is not lost. On a terminal it says that the terminal has gone, and ends the
 * server as SIGTERM does: nobody would find it later.
 */
function onHangUp(read: () => Config): (server: RunningServer) => void {
	const hasTerminal = [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY);
	let running: RunningServer | null = null;
	let isAsked = false;
	process.on("SIGHUP", () => {
		if (hasTerminal) process.emit("SIGTERM");
		else if (running === null) isAsked = true;
		else running.reload(read);
	});
	return (server) => {
		running = server;
		if (isAsked) server.reload(read);
	};
}

function isRepeatedByNpm(signalledAt: number): boolean {
	return process.env["npm_lifecycle_event"] !== undefined && performance.now() - signalledAt < REPEATED_BY_NPM_MS;
}
