// `fanfare sign`: signs a body as Fanfare does, for requests by hand.
import { randomUUID } from "node:crypto";

import type { Command } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { leaf, option } from "../../frame/command.ts";
import { missing, usageError } from "../../frame/failure.ts";
import { readBytes } from "../../frame/values.ts";
import { printableJson } from "../../text/printable.ts";
import { parseTime } from "../../text/times.ts";
import { readSecrets, SECRET_FILE, signedHeaders } from "./signature.ts";

interface Options extends CommonOptions {
	readonly secretFile?: string;
	readonly id?: string;
	readonly at?: number;
	readonly curl?: string;
}

/** The most that is read of a body. */
const MAX_BODY_BYTES = 16 * 1_024 * 1_024;

/** Adds the command to the program. */
export function addSign(program: Command): void {
	leaf<Options>(
		program,
		{
			usage: "sign [body]",
			summary: "Sign a body, for requests with curl.",
			description:
				"Prints the three headers, which `curl -H @file` reads. They are valid for the bytes of the body as they are, so send them with `--data-binary`. The secret is read from a file: an argument could be seen by others.",
			args: { body: "The file with the body. Default: standard input." },
			usesServer: false,
			options: [
				option("--secret-file <file>", SECRET_FILE),
				option("--id <id>", "The webhook-id. Default: a new one."),
				option("--at <time>", "The time of the signature. Default: now.", (text) => parseTime(text)),
				option("--curl <url>", "Print a curl command that sends the body there. Needs the file of the body."),
			],
			examples: [
				"fanfare sign body.json --secret-file .secret > headers.txt",
				"curl -H @headers.txt -H content-type:application/json --data-binary @body.json http://localhost:3000/hooks",
				"fanfare sign body.json --secret-file .secret --curl http://localhost:3000/hooks | sh",
			],
		},
		sign,
	);
}

async function sign({ options, output }: Call<Options>, file = "-"): Promise<void> {
	const { secretFile, id = `evt_${randomUUID()}`, at = Date.now(), curl } = options;
	if (secretFile === undefined) throw missing("--secret-file", "fanfare sign --help");
	if (!/^[\x21-\x7e]{1,255}$/.test(id))
		throw usageError("--id must be 1–255 visible ASCII characters, without a space.");
	if (secretFile === "-" && file === "-") {
		throw usageError("Standard input has either the secret or the body: name a file for the other one.");
	}
	if (curl !== undefined && file === "-")
		throw usageError("--curl needs the body in a file: fanfare sign <body> --curl.");
	const secrets = await readSecrets(secretFile);
	const body = await readBytes("The body", file, MAX_BODY_BYTES);
	const headers = signedHeaders(secrets, id, Math.floor(at / 1_000), body);
	if (output.mode === "json") {
		await output.data(printableJson({ object: "signature", headers: Object.fromEntries(headers) }));
	} else if (output.mode === "quiet") {
		await output.data(id);
	} else if (curl !== undefined) {
		const all = [...headers, ["content-type", "application/json"] as const];
		const flags = all.map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`);
		await output.data(["curl", "-X POST", ...flags, `--data-binary ${quoted(`@${file}`)}`, quoted(curl)].join(" "));
	} else {
		await output.data(headers.map(([name, value]) => `${name}: ${value}`).join("\n"));
	}
}

/** For a shell: nothing in it means anything. */
function quoted(text: string): string {
	return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
