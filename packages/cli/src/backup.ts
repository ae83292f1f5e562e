// `fanfare backup`: copies the data of a server into one file, while the server runs or without it.
import { backupDataDir, DEFAULT_MAX_WAL_MB, readConfig, type BackupResult } from "@fanfare/server";
import { InvalidArgumentError, type Command } from "commander";

import { FOREIGN_VARIABLES } from "./foreign-variables.ts";
import { CopyReport, inMegabytes, withSignals } from "./long-task.ts";

interface Options {
	readonly dataDir?: string;
	readonly maxWalMb?: number;
}

/** Adds the command to the program. */
export function addBackup(program: Command): void {
	program
		.command("backup")
		.summary("Copy a server's data into a file, while the server runs or without it.")
		.description(
			[
				"Copy a server's data into a file that only its owner can read: everything that was acknowledged before.",
				"The server may run. The file is complete, checked and on the disk when the command succeeds; an earlier backup",
				"of that name is replaced then. The master key is not in it: keep FANFARE_MASTER_KEY, or the file master.key of",
				"the data directory, in another safe place.",
			].join(" "),
		)
		.argument("<file>", "The file to write. Its directory must exist.")
		.option("--data-dir <path>", "The server's data directory. Default: ./fanfare-data. [FANFARE_DATA_DIR]")
		.option(
			"--max-wal-mb <count>",
			`Give up if the server's write-ahead log grows by more than this meanwhile. Default: ${DEFAULT_MAX_WAL_MB}.`,
			parseCount,
		)
		.action((file: string, options: Options) => withSignals((signal) => backup(file, options, signal)));
}

async function backup(file: string, { dataDir, maxWalMb }: Options, signal: AbortSignal): Promise<void> {
	const config = readConfig(process.env, dataDir === undefined ? {} : { "data-dir": dataDir }, FOREIGN_VARIABLES);
	const report = new CopyReport();
	const onProgress = report.update.bind(report);
	const options = { signal, onProgress, ...(maxWalMb !== undefined && { maxWalMb }) };
	const result = await backupDataDir(config, file, options).finally(() => report.end());
	process.stderr.write(`${summary(result)}\n`);
}

function summary({ file, bytes, schemaVersion, workspaceId, ...key }: BackupResult): string {
	const lines = [
		`The backup is in ${file}: ${inMegabytes(bytes)}, workspace ${workspaceId}, schema ${schemaVersion}. It was checked.`,
		`It can be used only with the master key, which is not in it (fingerprint ${key.masterKeyFingerprint}).`,
	];
	if (key.masterKeyFits === false) {
		lines.push("Warning: the master key found here is another one. Find the key with that fingerprint, and keep it.");
	}
	return lines.join("\n");
}

function parseCount(text: string): number {
	if (!/^[1-9]\d{0,8}$/.test(text))
		throw new InvalidArgumentError(`It must be a whole number from 1 on, got ${JSON.stringify(text)}.`);
	return Number(text);
}
