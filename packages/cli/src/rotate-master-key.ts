// `fanfare rotate-master-key`: encrypts the stored webhook secrets under a new master key.
import { randomBytes } from "node:crypto";

import { readConfig, rotateMasterKey } from "@fanfare/server";
import type { Command } from "commander";

import { reportAndExit } from "./report.ts";

const NEW_KEY_VARIABLE = "FANFARE_NEW_MASTER_KEY";
const KEY_BYTES = 32;

export function addRotateMasterKey(program: Command): void {
	program
		.command("rotate-master-key")
		.description(
			`Encrypt all webhook secrets under a new master key. Stop the server first. The old key comes from FANFARE_MASTER_KEY or the data directory's master.key; the new one from ${NEW_KEY_VARIABLE}, else one is made and put into master.key.`,
		)
		.option("--data-dir <path>", "The server's data directory. [FANFARE_DATA_DIR]")
		.action(async (options: { dataDir?: string }) => {
			try {
				await rotate(options.dataDir);
			} catch (error) {
				reportAndExit(error);
			}
		});
}

async function rotate(dataDir: string | undefined): Promise<void> {
	const config = readConfig(process.env, dataDir === undefined ? {} : { "data-dir": dataDir }, [NEW_KEY_VARIABLE]);
	// Whoever keeps the key in the environment goes on to do so, and has the new one before anything is encrypted under it.
	const toEnvironment = config.masterKey !== null;
	const changed = await rotateMasterKey(config, newMasterKey(toEnvironment), toEnvironment);
	const webhooks = changed === 1 ? "1 webhook" : `${changed} webhooks`;
	const next = toEnvironment
		? `Set FANFARE_MASTER_KEY to the value of ${NEW_KEY_VARIABLE} before the next start.`
		: "The new key is in the data directory's master.key. Back it up.";
	process.stderr.write(`The secrets of ${webhooks} are encrypted under the new key. ${next}\n`);
}

function newMasterKey(toEnvironment: boolean): Uint8Array {
	const given = process.env[NEW_KEY_VARIABLE];
	if (given !== undefined) return parseKey(given);
	if (!toEnvironment) return randomBytes(KEY_BYTES);
	throw new Error(
		`FANFARE_MASTER_KEY is set: set ${NEW_KEY_VARIABLE} to the new key too, such as the output of openssl rand -base64 32`,
	);
}

/** The form of FANFARE_MASTER_KEY, read by the same rules. */
function parseKey(text: string): Uint8Array {
	try {
		const { masterKey } = readConfig({ FANFARE_MASTER_KEY: text });
		if (masterKey !== null) return masterKey;
	} catch {
		// The sentence would name the other variable.
	}
	throw new Error(`${NEW_KEY_VARIABLE} must be 32 bytes in base64 (44 characters) or hexadecimal (64 characters)`);
}
