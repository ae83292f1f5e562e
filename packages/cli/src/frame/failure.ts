// How a command fails: exit codes, and errors that end with the next command to type. The SDK is imported only for its types: describing a
// failure loads the rest, which a help does not need.
import type * as Sdk from "@fanfare/sdk";

import { printable } from "../text/printable.ts";

/** The exit codes of all commands that talk to a server. */
export const EXIT = {
	failed: 1,
	usage: 2,
	notFound: 3,
	auth: 4,
	server: 5,
	interrupted: 130,
} as const;

/** Any of the exit codes. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** An error of the command itself, with its exit code and the next command to type. */
export class CommandError extends Error {
	override readonly name = "CommandError";
	readonly exitCode: ExitCode;
	/** A whole command, such as `fanfare login`; null if there is none to recommend. */
	readonly next: string | null;

	constructor(message: string, exitCode: ExitCode, next: string | null = null) {
		super(message);
		this.exitCode = exitCode;
		this.next = next;
	}
}

/** The command line is wrong or incomplete: exit code 2. */
export function usageError(message: string, next: string | null = null): CommandError {
	return new CommandError(message, EXIT.usage, next);
}

/** The user has cancelled a prompt: exit code 130, without a message. */
export function interrupted(): CommandError {
	return new CommandError("Cancelled.", EXIT.interrupted);
}

/** One thing that is wrong. */
export interface FailureIssue {
	/** The field of the API. */
	readonly path: string;
	/** What the command calls it, such as `--timeout`; null if it has no name for it. Absent if it was not looked for. */
	readonly option?: string | null;
	readonly message: string;
}

/** A failure as it is shown, and as `--json` prints it. */
export interface Failure {
	readonly message: string;
	/** The server's code, such as `webhook_not_found`; null if the error is not the server's. */
	readonly code: string | null;
	readonly status: number | null;
	readonly requestId: string | null;
	readonly issues: readonly FailureIssue[];
	readonly exitCode: ExitCode;
	readonly next: string | null;
}

/** The error for an argument or option that is missing. */
export function missing(name: string, next: string | null): CommandError {
	const kind = name.startsWith("-") ? "option" : "argument";
	return usageError(`The ${kind} ${kind === "option" ? name : `<${name}>`} is missing.`, next);
}

/** Describes any error. */
export async function describeFailure(error: unknown): Promise<Failure> {
	const message = error instanceof Error ? error.message : String(error);
	const none = { code: null, status: null, requestId: null, issues: [] };
	if (error instanceof CommandError) return ownFailure(error);
	const sdk = await import("@fanfare/sdk");
	const { ApiError, ConnectionError, UnexpectedResponseError } = sdk;
	if (error instanceof ApiError) {
		const { code, status, requestId, issues } = error;
		const [exitCode, next] = [exitCodeOf(error, sdk), nextAfter(error, sdk)];
		return { message, code, status, requestId, issues, exitCode, next };
	}
	if (error instanceof UnexpectedResponseError) {
		const { status, requestId } = error;
		return { ...none, message, status, requestId, exitCode: EXIT.server, next: null };
	}
	if (error instanceof ConnectionError) return { ...none, message, exitCode: EXIT.server, next: "fanfare doctor" };
	// The SDK throws these for arguments that can't be valid.
	if (error instanceof TypeError) return { ...none, message, exitCode: EXIT.usage, next: null };
	return { ...none, message, exitCode: EXIT.failed, next: null };
}

/** Describes an error of the command itself. */
export function ownFailure({ message, exitCode, next }: CommandError): Failure {
	return { message, code: null, status: null, requestId: null, issues: [], exitCode, next };
}

/** The failure as lines for people. */
export function failureLines({ message, requestId, issues, next }: Failure): string[] {
	const text = issues.length > 1 ? `${issues.length} things are not valid:` : message;
	const lines = printable(text, { lines: true })
		.split("\n")
		.map((line) => `fanfare: ${line}`);
	if (issues.length > 1) lines.push(...issues.map((issue) => `  ${issueLine(issue)}`));
	if (requestId !== null) lines.push(`  request  ${printable(requestId)}`);
	if (next !== null) lines.push(`  next     ${next}`);
	return lines;
}

function issueLine({ path, option, message }: FailureIssue): string {
	const name = option ?? path;
	return printable(name === "" ? message : `${name}: ${message}`);
}

function exitCodeOf(error: Sdk.ApiError, errors: typeof Sdk): ExitCode {
	const { AuthenticationError, BadRequestError, InternalServerError, NotFoundError } = errors;
	const { PayloadTooLargeError, PermissionDeniedError, RateLimitError } = errors;
	// A 404 without a code is not Fanfare's: what a proxy does not find may well be there.
	if (error instanceof NotFoundError) return error.code === null ? EXIT.server : EXIT.notFound;
	if (error instanceof AuthenticationError || error instanceof PermissionDeniedError) return EXIT.auth;
	if (error instanceof BadRequestError || error instanceof PayloadTooLargeError) return EXIT.usage;
	if (error instanceof InternalServerError || error instanceof RateLimitError) return EXIT.server;
	return EXIT.failed;
}

/** The lists that show what there is, by the code of the error. */
const LISTS: Readonly<Record<string, string>> = {
	webhook_not_found: "fanfare webhooks list",
	event_not_found: "fanfare events list",
	delivery_not_found: "fanfare deliveries list",
	replay_not_found: "fanfare replays list",
	event_type_not_found: "fanfare event-types list",
	customer_not_found: "fanfare customers list",
	key_not_found: "fanfare keys list",
	project_not_found: "fanfare projects list",
};

function nextAfter(error: Sdk.ApiError, { AuthenticationError, PermissionDeniedError }: typeof Sdk): string | null {
	if (error instanceof AuthenticationError) return "fanfare login";
	if (error instanceof PermissionDeniedError) return "fanfare whoami";
	return LISTS[error.code ?? ""] ?? null;
}
