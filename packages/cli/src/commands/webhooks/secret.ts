// The secrets of webhooks: read from a file, kept in a file, and `fanfare webhooks rotate-secret`.
import { closeSync, openSync, unlinkSync, writeFileSync } from "node:fs";

import type { Command, Option } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { leaf, option } from "../../frame/command.ts";
import { CommandError, EXIT, usageError } from "../../frame/failure.ts";
import { WEBHOOK, webhookIdOf } from "../../frame/named.ts";
import { readSecret } from "../../frame/values.ts";
import { onStderr } from "../../text/style.ts";
import { parseDuration } from "../../text/times.ts";
import { webhookFields } from "./show.ts";

/** Where a secret comes from, and where it is kept. */
export interface SecretOptions extends CommonOptions {
	readonly secretFile?: string;
	readonly saveSecret?: string;
}

interface RotateOptions extends SecretOptions {
	readonly overlap?: number;
}

/** The options of commands that set a secret. */
export function secretOptions(): Option[] {
	return [
		option("--secret-file <file>", "Your own secret: whsec_ and base64 in a file; - for standard input."),
		option("--save-secret <file>", "Write the secret into a new file that only you can read, and do not print it."),
	];
}

/** Adds `rotate-secret` to the group. */
export function addRotateSecret(group: Command): void {
	leaf<RotateOptions>(
		group,
		{
			usage: "rotate-secret [webhook]",
			summary: "Give a webhook a new secret, and print it once.",
			description: "For a while, requests are signed with both, so that the receiver has time to switch.",
			args: { webhook: WEBHOOK },
			changes: "ask",
			options: [
				...secretOptions(),
				option("--overlap <duration>", "How long the old secret signs too, 0s to 7d. Default: 24h.", parseDuration),
			],
		},
		rotate,
	);
}

/** Refuses a call that would lose the secret that it makes, or could not keep it where the user wants it, before anything is changed. */
export function checkSaving({ options, output }: Call<SecretOptions>): void {
	const { secretFile, saveSecret } = options;
	if (saveSecret !== undefined) checkNewFile(saveSecret);
	if (output.mode !== "quiet" || secretFile !== undefined || saveSecret !== undefined) return;
	throw usageError("--quiet prints only the id, so nobody would know the secret: pass --secret-file or --save-secret.");
}

function checkNewFile(file: string): void {
	const begin = "Nothing was changed, since --save-secret";
	try {
		closeSync(openSync(file, "wx", 0o600));
		unlinkSync(file);
	} catch (error) {
		if (error instanceof Error && "code" in error && error.code === "EEXIST")
			throw new CommandError(`${begin} writes a new file, and ${file} exists: name another one.`, EXIT.failed);
		throw new CommandError(`${begin} can't write ${file}: ${reasonOf(error)}`, EXIT.failed);
	}
}

/** Keeps the secret in the file that the user has named. The error prints it, since it is known nowhere else. */
export function saveSecret({ options }: Call<SecretOptions>, secret: string): void {
	const { saveSecret: file } = options;
	if (file === undefined) return;
	try {
		writeFileSync(file, `${secret}\n`, { mode: 0o600, flag: "wx" });
	} catch (error) {
		throw new CommandError(`The secret is ${secret}; it could not be written: ${reasonOf(error)}`, EXIT.failed);
	}
}

function reasonOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}

/** Says that the secret is shown only now. */
export function sayOnce({ output }: Call): void {
	output.note(onStderr("yellow", "Keep the secret now: it is never shown again."));
}

async function rotate(call: Call<RotateOptions>, given: string | undefined): Promise<void> {
	const { secretFile, overlap: overlapMs } = call.options;
	checkSaving(call);
	const project = await call.project();
	const id = await webhookIdOf(call, project, given);
	const { utils } = await import("@fanfare/sdk");
	const secret = secretFile === undefined ? utils.generateWebhookSecret() : await readSecret("The secret", secretFile);
	// Before it is set: a receiver must not be left with a secret that nobody knows.
	saveSecret(call, secret);
	const webhook = await project.batch.webhooks.updateSecret(id, secret, { overlapMs });
	const shown = call.options.saveSecret === undefined && secretFile === undefined ? { secret } : {};
	await call.output.object({ ...webhook, ...shown }, webhook.id, () => [
		...webhookFields(webhook),
		["New secret", shown.secret ?? null],
	]);
	if (shown.secret !== undefined) sayOnce(call);
}
