// `fanfare rotate-master-key`: encrypts the stored webhook secrets under a new master key.
import { randomBytes } from "node:crypto";

import { readConfig, readSecret, rotateMasterKey } from "@fanfare/server";
import type { Command } from "commander";

import { FOREIGN_VARIABLES } from "./foreign-variables.ts";
import { reportAndExit } from "./report.ts";

const NEW_KEY_VARIABLE = "FANFARE_NEW_MASTER_KEY";
const KEY_BYTES = 32;

/** Adds the command to the program. */
export function addRotateMasterKey(program: Command): void {
	program
		.command("rotate-master-key")
		.summary("Encrypt all webhook secrets under a new master key.")
		.description(
			[
				"Encrypt all webhook secrets under a new master key. Stop the server first.",
				"The old key is read from FANFARE_MASTER_KEY, or from master.key in the data directory.",
				`The new key is read from ${NEW_KEY_VARIABLE}. If FANFARE_MASTER_KEY is not set,`,
				`the new key replaces master.key, and is generated if ${NEW_KEY_VARIABLE} is not set.`,
				"With _FILE at its end, either variable names a file that has the key.",
			].join(" "),
		)
		.option("--data-dir <path>", "The server's data directory. Default: ./fanfare-data. [FANFARE_DATA_DIR]")
		.action(async (options: { dataDir?: string }) => {
			try {
				await rotate(options.dataDir);
			} catch (error) {
				reportAndExit(error);
			}
		});
}

async function rotate(dataDir: string | undefined): Promise<void> {
	const config = readConfig(process.env, dataDir === undefined ? {} : { "data-dir": dataDir }, FOREIGN_VARIABLES);
	// If the old key is in the environment, so is the new one: the operator has it before anything is encrypted under it.
	const toEnvironment = config.masterKey !== null;
	const changed = await rotateMasterKey(config, newMasterKey(toEnvironment), toEnvironment);
	const webhooks = changed === 1 ? "1 webhook" : `${changed} webhooks`;
	const next = toEnvironment
		? `Set FANFARE_MASTER_KEY to the value of ${NEW_KEY_VARIABLE} before the next start.`
		: "The new key is in the data directory's master.key. Back it up.";
	process.stderr.write(`The secrets of ${webhooks} are encrypted under the new key. ${next}\n`);
}

function newMasterKey(toEnvironment: boolean): Uint8Array {
	const given = readSecret(process.env, NEW_KEY_VARIABLE);
	if (given !== undefined) return parseKey(given);
	if (!toEnvironment) return randomBytes(KEY_BYTES);
	throw new Error(
		`FANFARE_MASTER_KEY is set, but ${NEW_KEY_VARIABLE} is not: set it to the new key, such as the output of openssl rand -base64 32`,
	);
}

/** Parses the new key by the rules of FANFARE_MASTER_KEY. */
function parseKey(text: string): Uint8Array {
	try {
		const { masterKey } = readConfig({ FANFARE_MASTER_KEY: text });
		if (masterKey !== null) return masterKey;
	} catch {
		// The caught error names FANFARE_MASTER_KEY instead of the variable that was set.
	}
	throw new Error(
		`${NEW_KEY_VARIABLE} must be 32 bytes in base64 (44 characters) or hexadecimal (64 characters), got a value that is not shown because it is secret`,
	);
}
