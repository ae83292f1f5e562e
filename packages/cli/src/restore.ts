// `fanfare restore`: puts a backup into an empty data directory.
import { readConfig, restoreBackup, type RestoreResult } from "@fanfare/server";
import type { Command } from "commander";

import { FOREIGN_VARIABLES } from "./foreign-variables.ts";
import { CopyReport, withSignals } from "./long-task.ts";

interface Options {
	readonly dataDir?: string;
	readonly hold?: boolean;
}

/** Adds the command to the program. */
export function addRestore(program: Command): void {
	program
		.command("restore")
		.summary("Put a backup into an empty data directory.")
		.description(
			[
				"Put a backup into a data directory that is empty or does not exist, and check it there. The master key is not in",
				"a backup: set FANFARE_MASTER_KEY, or put master.key into the directory before or after, readable by the server's",
				"user only. With --hold, nothing is sent until you run fanfare release: every webhook that was Enabled is Paused",
				"with the reason restored, and its deliveries are Held, those of new events included.",
			].join(" "),
		)
		.argument("<file>", "The backup, as fanfare backup has written it.")
		.option("--data-dir <path>", "The new data directory. Default: ./fanfare-data. [FANFARE_DATA_DIR]")
		.option(
			"--hold",
			"Pause every webhook that was Enabled, so that the copy does not send what the original has sent already.",
		)
		.action((file: string, options: Options) => withSignals((signal) => restore(file, options, signal)));
}

async function restore(file: string, { dataDir, hold = false }: Options, signal: AbortSignal): Promise<void> {
	const config = readConfig(process.env, dataDir === undefined ? {} : { "data-dir": dataDir }, FOREIGN_VARIABLES);
	const report = new CopyReport();
	const onProgress = report.update.bind(report);
	const result = await restoreBackup(config, file, { hold, signal, onProgress }).finally(() => report.end());
	process.stderr.write(`${summary(result)}\n`);
}

function summary({
	dataDir,
	workspaceId,
	pausedCount,
	isOlder,
	masterKeyFingerprint,
	hasMasterKey,
}: RestoreResult): string {
	const lines = [`Workspace ${workspaceId} is restored in ${dataDir}.`];
	if (isOlder) lines.push("An earlier version has written it: the first start upgrades it.");
	if (pausedCount === null) lines.push("The first start sends what was waiting in the backup.");
	else {
		const webhooks = pausedCount === 1 ? "1 webhook is" : `${pausedCount} webhooks are`;
		lines.push(`${webhooks} Paused with the reason restored. After the start, fanfare release resumes exactly those.`);
	}
	if (!hasMasterKey) {
		const place = "set FANFARE_MASTER_KEY to it, or put the file master.key into the directory";
		lines.push(`Before the start, bring the master key with the fingerprint ${masterKeyFingerprint}: ${place}.`);
	}
	return lines.join("\n");
}
