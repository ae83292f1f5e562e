// The `fanfare` program: reads its arguments and hands over to a command.
import { Command } from "commander";

import { addGenerateSecret } from "./generate-secret.ts";
import { addRotateMasterKey } from "./rotate-master-key.ts";
import { addServe } from "./serve.ts";

/** Runs the command that the process's arguments name. */
export async function runProgram(): Promise<void> {
	const program = new Command("fanfare")
		.description("Fanfare sends webhooks: signed, retried, logged. `fanfare serve` starts the server.")
		.showHelpAfterError("(`fanfare --help` lists the commands, `fanfare <command> --help` their options)")
		.showSuggestionAfterError();

	addServe(program);
	addGenerateSecret(program);
	addRotateMasterKey(program);

	await program.parseAsync();
}
