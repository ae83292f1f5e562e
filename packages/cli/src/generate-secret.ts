// `fanfare generate-secret`: prints a new signing secret for a webhook.
import type { Command } from "commander";

/** Adds the command to the program. */
export function addGenerateSecret(program: Command): void {
	program
		.command("generate-secret")
		.description("Print a new webhook secret: whsec_ and 32 random bytes in base64.")
		.action(async () => {
			const { utils } = await import("@fanfare/sdk");
			process.stdout.write(`${utils.generateWebhookSecret()}\n`);
		});
}
