// `fanfare migrate-store`: copies the data of a server from its data directory into a PostgreSQL database.
import {
	migrateStore,
	readConfig,
	readSecret,
	type StoreMigrationProgress,
	type StoreMigrationResult,
} from "@fanfare/server";
import type { Command } from "commander";

import { FOREIGN_VARIABLES } from "../../foreign-variables.ts";
import { ProgressLine, withSignals } from "../../long-task.ts";
import { counted } from "../../text/numbers.ts";
import { printableJson } from "../../text/printable.ts";

interface Options {
	readonly to?: string;
	readonly dataDir?: string;
	readonly restart?: boolean;
	readonly json?: boolean;
}

const URL_VARIABLE = "FANFARE_DATABASE_URL";
const BAR_LENGTH = 24;

/** Adds the command to the program. */
export function addMigrateStore(program: Command): void {
	program
		.command("migrate-store")
		.summary("Copy a data directory into a PostgreSQL database.")
		.description(
			[
				"Copy everything in a server's data directory into an empty PostgreSQL database: with the same ids, with what waits to be",
				"sent, and with secrets encrypted as they are. Stop the server first. The data directory is only read. If the command is",
				"interrupted, run it again: it goes on where it was. At the end it compares the numbers of rows; then start the server with",
				"FANFARE_DATABASE_URL and the same master key, and never again on the data directory.",
			].join(" "),
		)
		.option("--to <url>", `The database, such as postgres://fanfare@db.example/fanfare. [${URL_VARIABLE}]`)
		.option("--data-dir <path>", "The server's data directory. Default: ./fanfare-data. [FANFARE_DATA_DIR]")
		.option("--restart", "Begin anew if an earlier run was interrupted, instead of going on.")
		.option("--json", "Print JSON: one object a line, for progress and at the end.")
		.action((options: Options) =>
			withSignals((signal) => migrate(options, signal), "run the command again, and it goes on where it was"),
		);
}

async function migrate({ to, dataDir, restart = false, json = false }: Options, signal: AbortSignal): Promise<void> {
	const { [URL_VARIABLE]: _url, [`${URL_VARIABLE}_FILE`]: _file, ...env } = process.env;
	const config = readConfig(env, dataDir === undefined ? {} : { "data-dir": dataDir }, FOREIGN_VARIABLES);
	const url = to ?? readSecret(process.env, URL_VARIABLE);
	if (url === undefined) throw new Error(`name the database with --to or ${URL_VARIABLE}`);
	const report = new MigrationReport(json);
	const onProgress = report.update.bind(report);
	const result = await migrateStore(config, url, { signal, restart, onProgress }).finally(() => report.end());
	if (json) process.stdout.write(`${printableJson({ type: "result", ...result })}\n`);
	else process.stderr.write(`${summary(result)}\n`);
}

/** A bar on a terminal, lines elsewhere, or objects on standard output. */
class MigrationReport extends ProgressLine {
	readonly #json: boolean;

	constructor(json: boolean) {
		super();
		this.#json = json;
	}

	update(progress: StoreMigrationProgress): void {
		if (!this.isDue) return;
		const { step, part, rows, totalRows } = progress;
		if (this.#json) {
			process.stdout.write(`${printableJson({ type: "progress", ...progress })}\n`);
			this.restart();
			return;
		}
		const fraction = Math.min(1, rows / Math.max(1, totalRows));
		const full = Math.floor(fraction * BAR_LENGTH);
		const bar = this.isTerminal ? `${"█".repeat(full)}${"░".repeat(BAR_LENGTH - full)} ` : "";
		const what = step === "copying" ? `Copying ${part ?? ""}` : "Comparing";
		this.write(`${bar}${Math.floor(fraction * 100)} %  ${what}  ${rows} of ${counted(totalRows, "row")}`);
	}
}

function summary({
	database,
	workspaceId,
	counts,
	dataDir,
	masterKeyFingerprint,
	hasMasterKey,
}: StoreMigrationResult): string {
	const { events, deliveries, attempts } = counts;
	const numbers = [
		counted(events, "event"),
		counted(deliveries, "delivery", "deliveries"),
		counted(attempts, "attempt"),
	];
	const lines = [
		`Workspace ${workspaceId} is in the database ${database}: ${numbers.join(", ")}, and all the rest. The numbers of rows were compared.`,
		`Start the server with ${URL_VARIABLE} and with FANFARE_MASTER_KEY (fingerprint ${masterKeyFingerprint}), and never again on ${dataDir}: both would send what waits.`,
	];
	if (!hasMasterKey)
		lines.push("Warning: that master key was not found here. Without it, the server can't start on the database.");
	return lines.join("\n");
}
