#!/usr/bin/env node
// The `fanfare` command: reads its arguments and hands over to a command.
import { Command } from "commander";

import { addGenerateSecret } from "./generate-secret.ts";
import { addRotateMasterKey } from "./rotate-master-key.ts";
import { addServe } from "./serve.ts";

const program = new Command("fanfare")
	.description("Fanfare sends webhooks: signed, retried, logged. `fanfare serve` starts the server.")
	.showHelpAfterError("(`fanfare --help` lists the commands, `fanfare <command> --help` their options)")
	.showSuggestionAfterError();

addServe(program);
addGenerateSecret(program);
addRotateMasterKey(program);

await program.parseAsync();
