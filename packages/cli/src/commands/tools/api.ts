// `fanfare api`: one call of the HTTP API, with the profile's key.
import type { Command } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { leaf, option } from "../../frame/command.ts";
import { CommandError, EXIT, usageError, type ExitCode } from "../../frame/failure.ts";
import { patient, timeoutOf } from "../../frame/patience.ts";
import { readText } from "../../frame/values.ts";

interface Options extends CommonOptions {
	readonly data?: string;
	readonly include?: boolean;
}

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/** Adds the command to the program. */
export function addApi(program: Command): void {
	leaf<Options>(
		program,
		{
			usage: "api <method> <path>",
			summary: "Make one call of the HTTP API, with the profile's key.",
			description:
				"Prints the body of the response as it comes, byte for byte. {project} in the path is the project in use. Exits like other commands if the status is no 2xx. /docs/api of the server lists all calls.",
			args: {
				method: `One of ${METHODS.join(", ")}.`,
				path: "Such as /workspace, or /projects/{project}/deliveries?limit=5.",
			},
			options: [
				option("-d, --data <json>", "The body, as JSON, @file or @-; sent as it is."),
				option("-i, --include", "Print the status and the headers first, on standard error."),
			],
			changes: "asks",
			examples: [
				"fanfare api GET /projects/{project}/deliveries",
				"fanfare api POST /projects/{project}/events --data @event.json",
			],
		},
		api,
	);
}

async function api(call: Call<Options>, method = "", path = ""): Promise<void> {
	const verb = method.toUpperCase();
	if (!METHODS.includes(verb))
		throw usageError(`<method> must be one of ${METHODS.join(", ")}; got ${JSON.stringify(method)}.`);
	const { url, key } = call.connection;
	const address = url + (await filledIn(call, path));
	const { data, include = false } = call.options;
	const body = data === undefined ? undefined : await readText("--data", data);
	if (verb !== "GET") await call.confirmProduction(`fanfare api ${verb} ${path}`);
	const response = await answerOf(call, address, {
		method: verb,
		headers: { authorization: `Bearer ${key}`, ...(body !== undefined && { "content-type": "application/json" }) },
		...(body !== undefined && { body }),
	});
	if (include) process.stderr.write(`${headOf(response)}\n\n`);
	for await (const piece of response.body ?? []) await call.output.raw(piece);
	if (!response.ok) process.exitCode = exitCodeOf(response.status);
	if (!response.ok && !include)
		call.output.note(`\n${verb} ${path} was answered with ${response.status} ${response.statusText}`);
}

/** The path with the project in it. Everything stays on the server whose key is sent. */
async function filledIn(call: Call<Options>, path: string): Promise<string> {
	if (!path.startsWith("/") || path.startsWith("//") || /[\s\\#]/.test(path)) {
		throw usageError(`<path> must begin with a slash, such as /workspace; got ${JSON.stringify(path)}.`);
	}
	return path.includes("{project}") ? path.replaceAll("{project}", (await call.project()).id) : path;
}

async function answerOf(
	call: Call<Options>,
	address: string,
	init: { method: string; headers: Record<string, string>; body?: string },
): Promise<Response> {
	const timeoutMs = timeoutOf();
	const { fetch: patientFetch = fetch } = patient(call.connection.url, timeoutMs, (line) => call.output.note(line));
	const controller = new AbortController();
	// Until the response begins: a stream may go on for ever.
	const timer = setTimeout(() => controller.abort(), timeoutMs);
	try {
		return (await patientFetch(address, { ...init, redirect: "manual", signal: controller.signal })) as Response;
	} catch (error) {
		const cause = (error as { readonly cause?: Error }).cause ?? (error as Error);
		const reason = controller.signal.aborted
			? `it did not answer within ${timeoutMs} ms (FANFARE_TIMEOUT)`
			: cause.message;
		throw new CommandError(
			`The server at ${call.connection.url} could not be called: ${reason}`,
			EXIT.server,
			"fanfare doctor",
		);
	} finally {
		clearTimeout(timer);
	}
}

function headOf({ status, statusText, headers }: Response): string {
	return [`HTTP ${status} ${statusText}`.trimEnd(), ...[...headers].map(([name, value]) => `${name}: ${value}`)].join(
		"\n",
	);
}

function exitCodeOf(status: number): ExitCode {
	if (status === 401 || status === 403) return EXIT.auth;
	if (status === 404) return EXIT.notFound;
	if (status === 400 || status === 413) return EXIT.usage;
	return status === 429 || status >= 500 ? EXIT.server : EXIT.failed;
}
