// `fanfare generate-secret`: prints a new signing secret for a webhook.
import { utils } from "@fanfare/sdk";
import type { Command } from "commander";

/** Adds the command to the program. */
export function addGenerateSecret(program: Command): void {
	program
		.command("generate-secret")
		.description("Print a new webhook secret: whsec_ and 32 random bytes in base64.")
		.action(() => {
			process.stdout.write(`${utils.generateWebhookSecret()}\n`);
		});
}
