// The `fanfare` program: parses the arguments and runs the command.
import { Command } from "commander";

import { addGenerateSecret } from "./generate-secret.ts";
import { addRotateMasterKey } from "./rotate-master-key.ts";
import { addServe } from "./serve.ts";

/** Runs the command named by the process's arguments. */
export async function runProgram(): Promise<void> {
	const program = new Command("fanfare")
		.description("Fanfare sends webhooks: signed, retried and logged. `fanfare serve` starts the server.")
		.helpOption("-h, --help", "Print this help.")
		.helpCommand("help [command]", "Print the help of a command.")
		.showHelpAfterError(
			"(`fanfare --help` lists the commands, `fanfare <command> --help` lists the options of a command)",
		)
		.showSuggestionAfterError();

	addServe(program);
	addGenerateSecret(program);
	addRotateMasterKey(program);

	await program.parseAsync();
}
