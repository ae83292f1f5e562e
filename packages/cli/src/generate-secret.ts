// `fanfare generate-secret`: a new signing secret for a webhook.
import { utils } from "@fanfare/sdk";
import type { Command } from "commander";

export function addGenerateSecret(program: Command): void {
	program
		.command("generate-secret")
		.description("Print a new webhook secret: whsec_ and the base64 of 32 random bytes.")
		.action(() => {
			process.stdout.write(`whsec_${utils.generateWebhookSecret()}\n`);
		});
}
