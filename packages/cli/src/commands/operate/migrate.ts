// `fanfare migrate`: brings the data of an earlier version to the form of this one, before a server starts.
import { checkMigration, migrateDataDir, readConfig, type MigrationPlan } from "@fanfare/server";
import type { Command } from "commander";

import { FOREIGN_VARIABLES } from "../../foreign-variables.ts";
import { CopyReport, inMegabytes } from "../../long-task.ts";
import { reportAndExit } from "../../report.ts";
import { counted } from "../../text/numbers.ts";
import { printableJson } from "../../text/printable.ts";
import { shortDuration } from "../../text/times.ts";

interface Options {
	readonly dataDir?: string;
	readonly check?: boolean;
	readonly json?: boolean;
}

/** Adds the command to the program. */
export function addMigrate(program: Command): void {
	program
		.command("migrate")
		.summary("Bring the data of an earlier version to the form of this one.")
		.description(
			"Bring the data of an earlier version to the form of this one, as the next start of the server would. Stop the server first, and make a backup: there is no other way back. With --check, say how long it takes and how much room it needs, and change nothing; the server may run.",
		)
		.option("--data-dir <path>", "The server's data directory. Default: ./fanfare-data. [FANFARE_DATA_DIR]")
		.option("--check", "Change nothing. Exits with 1 if there is too little room.")
		.option("--json", "Print JSON.")
		.action(async (options: Options) => {
			try {
				await migrate(options);
			} catch (error) {
				reportAndExit(error);
			}
		});
}

async function migrate({ dataDir, check = false, json = false }: Options): Promise<void> {
	const config = readConfig(process.env, dataDir === undefined ? {} : { "data-dir": dataDir }, FOREIGN_VARIABLES);
	const plan = await checkMigration(config);
	if (check) {
		process.stdout.write(json ? `${printableJson(plan)}\n` : `${planLines(plan).join("\n")}\n`);
		if (plan.freeBytes < plan.neededBytes) process.exitCode = 1;
		return;
	}
	const report = new CopyReport();
	if (plan.isNeeded) await migrateDataDir(config, report.update.bind(report)).finally(() => report.end());
	const { schemaVersion, knownVersion } = plan;
	if (json) process.stdout.write(`${printableJson({ ...plan, migrated: plan.isNeeded })}\n`);
	else if (plan.isNeeded)
		process.stderr.write(`${plan.dataDir} was brought from schema ${schemaVersion} to ${knownVersion}.\n`);
	else process.stderr.write(`Nothing to do: ${plan.dataDir} has the form of this version (schema ${knownVersion}).\n`);
}

function planLines({
	dataDir,
	isNeeded,
	schemaVersion,
	knownVersion,
	rows,
	durationMs,
	usedBytes,
	neededBytes,
	freeBytes,
}: MigrationPlan): string[] {
	if (!isNeeded) return [`Nothing to do: ${dataDir} has the form of this version (schema ${knownVersion}).`];
	const lines = [`${dataDir} has schema ${schemaVersion}; this version has ${knownVersion}.`];
	if (rows === 0) return [...lines, "No rows have to be moved: it takes a moment, and no room."];
	lines.push(
		`Time  about ${shortDuration(Math.max(1_000, durationMs))}, for ${counted(rows, "event and delivery", "events and deliveries")}`,
		`Room  ${inMegabytes(neededBytes)} beside the ${inMegabytes(usedBytes)} of the store; ${inMegabytes(freeBytes)} are free`,
	);
	return freeBytes < neededBytes ? [...lines, "There is too little room: free some space first."] : lines;
}
