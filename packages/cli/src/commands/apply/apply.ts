// `fanfare apply`: makes the webhooks, event types and settings of a project as a file describes them.
import type { Command } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { leaf, option } from "../../frame/command.ts";
import { CommandError, describeFailure } from "../../frame/failure.ts";
import { inWordsOf } from "../../frame/refusals/in-words-of.ts";
import { counted } from "../../text/numbers.ts";
import { printable } from "../../text/printable.ts";
import { onStdout } from "../../text/style.ts";
import { exactEventTypes } from "../event-types/event-types.ts";
import type { Locate } from "./desired.ts";
import { namesInFile, readApplyFile } from "./file.ts";
import { makePlan, type Change, type Plan } from "./plan.ts";

interface Options extends CommonOptions {
	readonly dryRun?: boolean;
	readonly prune?: boolean;
}

const DEFAULT_FILE = "fanfare.yaml";

/** Adds the command to the program. */
export function addApply(program: Command): void {
	leaf<Options>(
		program,
		{
			usage: "apply [file]",
			summary: "Make webhooks, event types and project settings what a file asks for.",
			description:
				"Shows the changes first, and asks. What the file does not name stays as it is; applied again, it changes nothing. A webhook is identified by its key. Secrets and headers are named by a variable or a file, never written into it. `fanfare export` writes such a file from what stands.",
			args: { file: `The file. Default: ${DEFAULT_FILE}.` },
			options: [
				option("-n, --dry-run", "Only show the changes."),
				option("--prune", "Delete the webhooks that this file has made and does not name any more, and no others."),
			],
			changes: "asks",
			examples: ["fanfare apply --dry-run", "fanfare apply hooks/fanfare.yaml --prune --yes"],
		},
		apply,
	);
}

async function apply(call: Call<Options>, file = DEFAULT_FILE): Promise<void> {
	const { desired, locate } = readApplyFile(file);
	const { dryRun = false, prune = false } = call.options;
	const handle = await call.project();
	const project = await call.client.getProject(handle.id);
	const eventTypes = desired.eventTypes.length === 0 ? [] : await exactEventTypes(call, handle);
	const plan = await makePlan(call.client, handle, { project, eventTypes }, desired, locate, prune);
	const { changes } = plan;
	if (call.output.mode === "people") await call.output.data(planLines(plan).join("\n"));
	const isApplied = !dryRun && changes.length > 0;
	if (isApplied) {
		await call.confirm(
			`Make ${counted(changes.length, "change")} in ${printable(project.name)} at ${call.connection.url}?`,
		);
		await makeChanges(changes, locate);
	}
	if (call.output.mode !== "people")
		return call.output.object(shown(plan, isApplied), String(changes.length), () => []);
	if (isApplied) call.output.done(`${counted(changes.length, "change")} made.`);
	if (plan.stale > 0) {
		call.output.note(
			`${counted(plan.stale, "webhook")} that this file has made and does not name any more: --prune deletes them.`,
		);
	}
}

/** Makes the changes in order. The error says how far it came; applying the file again goes on from there. */
async function makeChanges(changes: readonly Change[], locate: Locate): Promise<void> {
	for (const [index, { kind, key, path, inSteps, make }] of changes.entries()) {
		try {
			await make();
		} catch (error) {
			const { message, exitCode, requestId, issues } = inWordsOf(namesInFile(kind), await describeFailure(error));
			const field = issues[0]?.option ?? issues[0]?.path.split(".").at(-1);
			const place = path.length === 0 ? "" : `${locate(field === undefined ? path : [...path, field])}: `;
			// By now, it is loaded: no command loads it before it runs.
			const { ConnectionError, InternalServerError } = await import("@fanfare/sdk");
			// Without an answer, nobody knows whether it was made.
			const isOpen = error instanceof ConnectionError || error instanceof InternalServerError;
			const made = howFar(index, changes.length, isOpen ? "all" : inSteps ? "some" : "none");
			const request = requestId === null ? "" : ` (request ${requestId})`;
			throw new CommandError(`${place}${kind} ${key}: ${message}${request}\n${made}`, exitCode);
		}
	}
}

/** How many changes were made before one that has failed, and how much of that one may have been made. */
function howFar(count: number, all: number, ofThisOne: "all" | "some" | "none"): string {
	const goOn = "apply the file again to go on.";
	if (count === 0) {
		if (ofThisOne === "none") return "Nothing was changed.";
		const what = ofThisOne === "all" ? "It is not known whether it was made" : "A part of it may have been made";
		return `${what}: ${goOn}`;
	}
	const perhaps = { all: ", and perhaps this one", some: ", and perhaps a part of this one", none: "" }[ofThisOne];
	return `${counted(count, "change")} of ${all} had been made${perhaps}: ${goOn}`;
}

const SIGNS = {
	create: { sign: "+", format: "green" },
	update: { sign: "~", format: "yellow" },
	delete: { sign: "-", format: "red" },
} as const;

function planLines({ changes, unchanged }: Plan): string[] {
	const lines = changes.flatMap(({ action, kind, key, about, fields }) => {
		const { sign, format } = SIGNS[action];
		const more = about === null ? "" : ` (${printable(about)})`;
		const size = Math.max(0, ...fields.map(({ name }) => name.length));
		return [
			`${onStdout(format, `${sign} ${action} ${kind}`)} ${onStdout("bold", printable(key))}${more}`,
			...fields.map(({ name, from, to }) => `    ${name.padEnd(size)}  ${printable(from)} → ${printable(to)}`),
		];
	});
	if (unchanged > 0 || lines.length === 0)
		lines.push(`= ${unchanged === 1 ? "1 stays as it is" : `${unchanged} stay as they are`}`);
	return lines;
}

function shown({ project, changes, unchanged, stale }: Plan, isApplied: boolean) {
	const told = changes.map(({ action, kind, key, fields }) => ({ action, kind, key, fields }));
	return { object: "applied", projectId: project.id, applied: isApplied, changes: told, unchanged, stale };
}
