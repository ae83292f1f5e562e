// Sets up the demo: a server with its own directory. Both are removed when this process ends for any reason.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";

import { Client } from "@fanfare/sdk";

import type { Screen } from "./screen.ts";
import { freePort, ServerProcess } from "./server-process.ts";

export interface Stage {
	readonly server: ServerProcess;
	readonly adminKey: string;
	/** Aborted if the server ends by itself, because the demo can't continue then. */
	readonly signal: AbortSignal;
	/** Leaves the server running when this process ends, and prints its address, and a link that signs in to its page. */
	leaveUp(screen: Screen): Promise<void>;
}

/** The server is not started yet. Only with `keep` can it be left running. */
export async function setStage({ keep }: { readonly keep: boolean }): Promise<Stage> {
	const home = mkdtempSync(join(tmpdir(), "fanfare-demo-"));
	const adminKey = `sk_${randomBytes(32).toString("base64url")}`;
	const trouble = new AbortController();
	const cleanUp = () => {
		server.killNow();
		// Retries, because the killed server may just have written a file.
		rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
	};
	const server = new ServerProcess({
		port: await freePort(),
		dataDir: join(home, "data"),
		adminKey,
		logFile: join(home, "server.log"),
		detached: keep,
		onUnexpectedExit: (error) => trouble.abort(error),
	});
	process.once("exit", cleanUp);
	endOnSignals();
	return {
		server,
		adminKey,
		signal: trouble.signal,
		async leaveUp(screen) {
			if (server.pid === undefined) return;
			process.off("exit", cleanUp);
			server.unref();
			printAddress(screen, server, adminKey, home);
			await printLink(screen, new Client(adminKey, { endpoint: server.url }));
		},
	};
}

/** Exits with the usual code on a signal, so that the `exit` event fires, which a signal alone does not cause. */
function endOnSignals(): void {
	for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
		process.once(signal, () => {
			// The shell's prompt gets a line of its own.
			if (process.stdout.isTTY) process.stdout.write("\n");
			process.exit(128 + constants.signals[signal]);
		});
	}
}

function printAddress(screen: Screen, server: ServerProcess, adminKey: string, home: string): void {
	screen.line();
	screen.line("The server keeps running; the receiver has ended with the demo.");
	screen.line(`  Address  ${server.url}`);
	screen.line(`  Key      ${adminKey}`);
	screen.line(`  Data     ${home}`);
	screen.line(`  Stop it  kill ${server.pid} && rm -rf ${home}`);
}

async function printLink(screen: Screen, client: Client): Promise<void> {
	try {
		const { url } = await client.sessions.createLink();
		screen.line();
		screen.line("See what happened in the page. This link signs in, once, within 10 minutes:");
		screen.line(url);
	} catch (error) {
		screen.line(`No sign-in link could be made: ${error instanceof Error ? error.message : String(error)}`);
	}
}
