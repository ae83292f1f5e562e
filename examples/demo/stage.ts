// What the demo plays on: a server with a directory of its own. Both are gone when this process ends, however it does.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";

import type { Screen } from "./screen.ts";
import { freePort, ServerProcess } from "./server-process.ts";

export interface Stage {
	readonly server: ServerProcess;
	readonly adminKey: string;
	/** Aborted if the server ends by itself: nothing can go on then. */
	readonly signal: AbortSignal;
	/** From now on this process ends without the server, and says where that is. */
	leaveUp(screen: Screen): void;
}

/** The server is yet to be started. With `keep` it can be left up. */
export async function setStage({ keep }: { readonly keep: boolean }): Promise<Stage> {
	const home = mkdtempSync(join(tmpdir(), "fanfare-demo-"));
	const adminKey = `sk_${randomBytes(32).toString("base64url")}`;
	const trouble = new AbortController();
	const cleanUp = () => {
		server.killNow();
		// Again if the dying server has just written something.
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
		leaveUp(screen) {
			if (server.pid === undefined) return;
			process.off("exit", cleanUp);
			server.unref();
			printAddress(screen, server, adminKey, home);
		},
	};
}

/** The usual codes, and the `exit` event, which a signal alone would not cause. */
function endOnSignals(): void {
	for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
		process.once(signal, () => {
			// The prompt comes on a line of its own, whatever stood at the bottom.
			if (process.stdout.isTTY) process.stdout.write("\n");
			process.exit(128 + constants.signals[signal]);
		});
	}
}

function printAddress(screen: Screen, server: ServerProcess, adminKey: string, home: string): void {
	screen.line();
	screen.line("The server stays up; the receiver has gone with the demo.");
	screen.line(`  Address  ${server.url}`);
	screen.line(`  Key      ${adminKey}`);
	screen.line(`  Data     ${home}`);
	screen.line(`  Stop it  kill ${server.pid} && rm -rf ${home}`);
}
