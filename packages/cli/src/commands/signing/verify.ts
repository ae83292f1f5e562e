// `fanfare verify`: checks the signature of a request, and says in plain words what is wrong with it.
import type { Diagnosis, DiagnosisCode } from "@fanfare/sdk";
import type { Command } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { leaf, option } from "../../frame/command.ts";
import { EXIT, missing, usageError } from "../../frame/failure.ts";
import { printable, printableJson } from "../../text/printable.ts";
import { onStdout } from "../../text/style.ts";
import { fullTime, parseDuration, parseTime } from "../../text/times.ts";
import { readRequest } from "./request.ts";
import { readSecrets, SECRET_FILE } from "./signature.ts";

interface Options extends CommonOptions {
	readonly secretFile?: string;
	readonly body?: string;
	readonly at?: number;
	readonly tolerance?: number;
	readonly expectId?: string;
}

const DEFAULT_TOLERANCE_MS = 300_000;

/** Adds the command to the program. */
export function addVerify(program: Command): void {
	leaf<Options>(
		program,
		{
			usage: "verify [request]",
			summary: "Check the signature of a request, and say what is wrong with it.",
			description:
				"It needs no server. If no signature fits, it tries what usually happens to a body on its way (a line feed at the end, JSON that was parsed and written again, another encoding), and says after which change it fits. Exit code 1 if the request is not valid.",
			args: {
				request: "The file with the request: headers, an empty line, and the body. Default: standard input.",
			},
			usesServer: false,
			options: [
				option("--secret-file <file>", SECRET_FILE),
				option("--body <file>", "The body as it was received. The request then has only the headers."),
				option("--at <time>", "Judge the time as of then, such as 2h ago as 2h. Default: now.", (text) =>
					parseTime(text),
				),
				option("--tolerance <duration>", "How old a request may be. Default: 5m.", parseDuration),
				option("--expect-id <id>", "The webhook-id that the request should have."),
			],
			examples: [
				"fanfare verify request.http --secret-file .secret",
				"fanfare verify headers.txt --body body.json --secret-file .secret --at 2h",
			],
		},
		verify,
	);
}

async function verify({ options, output }: Call<Options>, file = "-"): Promise<void> {
	const { secretFile, body, at: now = Date.now(), tolerance: toleranceMs = DEFAULT_TOLERANCE_MS, expectId } = options;
	if (secretFile === undefined) throw missing("--secret-file", "fanfare verify --help");
	if ([file, body, secretFile].filter((name) => name === "-").length > 1) {
		throw usageError("Standard input has one of request, body and secret: name files for the others.");
	}
	const secrets = await readSecrets(secretFile);
	const request = await readRequest(file, body);
	const { diagnose } = await import("@fanfare/sdk");
	const diagnosis = await diagnose(
		request.body,
		Object.fromEntries(request.headers),
		secrets.map(({ text }) => text),
		{ now: () => now, toleranceMs, expectedId: expectId },
	);
	const shown = { ...diagnosis, secretHint: diagnosis.secretHint === null ? null : `whsec_…${diagnosis.secretHint}` };
	const { problems } = diagnosis;
	const isValid = problems.length === 0;
	if (!isValid) process.exitCode = EXIT.failed;
	if (output.mode === "json") {
		await output.data(printableJson({ object: "verification", valid: isValid, ...shown }));
	} else if (output.mode === "quiet") {
		if (isValid) await output.data(diagnosis.id ?? "");
	} else {
		await output.data(linesOf(shown, request.body.length).join("\n"));
	}
}

/** What the reader of a problem can type next. */
const HINTS: { readonly [code in DiagnosisCode]?: string } = {
	too_old: " To check an old request, pass --at with its time.",
	no_matching_signature: " `fanfare webhooks get` shows them.",
};

/** With one of these, the signature is that of something else than what was received. */
const CHANGES: readonly DiagnosisCode[] = ["body_changed", "id_changed", "timestamp_changed"];

function linesOf({ problems, id, timestamp, secretHint }: Diagnosis, bytes: number): string[] {
	const lines = problems.map(
		({ code, message }) => `${onStdout("red", "✗")} ${printable(message)}${HINTS[code] ?? ""}`,
	);
	if (secretHint !== null) {
		const isChanged = problems.some(({ code }) => CHANGES.includes(code));
		const text = isChanged
			? `It was signed with the secret ${secretHint}.`
			: `The signature fits the secret ${secretHint}, and these ${bytes} bytes.`;
		lines.unshift(`${onStdout("green", "✓")} ${text}`);
	}
	const isTime = timestamp !== null && /^\d{1,11}$/.test(timestamp);
	if (id !== null) lines.push(`  webhook-id         ${printable(id)}`);
	if (isTime) lines.push(`  webhook-timestamp  ${timestamp}, ${fullTime(Number(timestamp) * 1_000)}`);
	return lines;
}
