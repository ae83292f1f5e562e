// `fanfare projects`: the projects of the workspace, each a product in one environment.
import type { Project, UpdateProject } from "@fanfare/sdk";
import type { Command } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { choice, leaf, option } from "../../frame/command.ts";
import { findProject } from "../../frame/connection.ts";
import { usageError } from "../../frame/failure.ts";
import { listOptions, pageSize, rowLimit, type ListOptions } from "../../frame/lists.ts";
import { orNull, parseCount, parsePositive } from "../../frame/values.ts";
import { size } from "../../text/numbers.ts";
import { printable } from "../../text/printable.ts";
import type { Column } from "../../text/table.ts";
import { fullTime, relativeTime } from "../../text/times.ts";
import { addStats } from "../stats.ts";

type Changes = { -readonly [Name in keyof UpdateProject]: UpdateProject[Name] };
interface Filter extends CommonOptions, ListOptions {
	readonly q?: string;
}

type UpdateOptions = CommonOptions & Changes;

const PROJECT = "The project: its id or its name. Asked for on a terminal, if none is in use.";
const COLUMNS: readonly Column<Project>[] = [
	{ title: "id", value: ({ id }) => id },
	{ title: "name", value: ({ name }) => name, flexible: true },
	{ title: "event types", value: ({ eventTypePolicy }) => eventTypePolicy ?? "open", optional: 1 },
	{ title: "kept", value: ({ retentionDays }) => days(retentionDays), optional: 2 },
	{ title: "created", value: ({ createDate }) => relativeTime(createDate), optional: 3 },
];

/** Adds the group to the program. */
export function addProjects(program: Command): void {
	const group = program
		.command("projects")
		.description(
			"A project is a product in one environment, such as Shop production. It has webhooks, events, keys and event types of its own.",
		);
	leaf<Filter>(
		group,
		{
			usage: "list",
			summary: "List the projects that the key has access to, newest first.",
			inProject: false,
			options: [option("--q <text>", "Only those whose id or name has this text."), ...listOptions()],
		},
		async (call) => {
			const { q } = call.options;
			const rows = call.client.projects.search({ q, limit: pageSize(call.options) });
			const view = { columns: COLUMNS, id: ({ id }: Project) => id, empty: "No projects." };
			await call.output.list(rows, { ...view, limit: rowLimit(call.options) });
		},
	);
	leaf(
		group,
		{ usage: "get [project]", summary: "Show a project and its settings.", args: { project: PROJECT } },
		async (call, given) => show(call, await chosen(call, given)),
	);
	leaf(
		group,
		{
			usage: "create [name]",
			summary: "Create a project. Needs an admin key of the workspace.",
			args: { name: "1–128 characters. Asked for on a terminal." },
			inProject: false,
			changes: "ask",
		},
		async (call, given) => {
			const name = await call.need("name", given, "The name of the project");
			await show(call, await call.client.projects.create({ name }));
		},
	);
	leaf<UpdateOptions>(
		group,
		{
			usage: "update [project]",
			summary: "Change a project's name, retention and quotas. Needs an admin key.",
			args: { project: PROJECT },
			changes: "ask",
			options: [
				option("--name <name>", "1–128 characters."),
				choice(
					"--event-types <policy>",
					"open: any event is accepted; catalogued: only events of the project's event types.",
					["open", "catalogued"],
				),
				setting("--retention-days <count>", "Days that events are kept; 0 for forever"),
				setting("--payload-retention-days <count>", "Days that payloads are kept; 0 for as long as their event"),
				setting("--max-events-per-second <count>", "Events that it may send in a second; 0 for no quota"),
				setting("--max-stored-bytes <count>", "Bytes that it may have stored; 0 for no quota"),
				setting("--max-webhooks-per-customer <count>", "Webhooks that each customer may have"),
				setting("--max-replays-per-customer <count>", "Replays that may run at once for each customer"),
				setting("--max-streams-per-customer <count>", "Live streams that each customer may have open"),
				setting("--max-tests-per-customer <count>", "Tests of each customer's webhooks that may run at once"),
				option("--revision <number>", "Change it only if this is still its revision.", parsePositive),
			],
		},
		update,
	);
	leaf(
		group,
		{
			usage: "delete [project]",
			summary: "Delete a project with its webhooks and keys. Needs an admin key of the workspace.",
			description: "Its waiting deliveries are cancelled. This cannot be undone.",
			args: { project: PROJECT },
			changes: "asks",
		},
		remove,
	);
	leaf(
		group,
		{
			usage: "usage [project]",
			summary: "Show what a project has stored, and its quotas.",
			args: { project: PROJECT },
		},
		usage,
	);
	addStats(
		group,
		{
			usage: "stats [project]",
			summary: "Show counts and latencies of deliveries over time.",
			args: { project: PROJECT },
		},
		async (call, given, params) => (await chosen(call, given)).stats(params),
	);
}

function setting(flags: string, text: string) {
	return option(flags, `${text}; \`default\` for the server's setting.`, orNull("default", parseCount));
}

/** The project that the argument names, or the one in use. */
async function chosen(call: Call, given: string | undefined): Promise<Project> {
	const { id } =
		given === undefined ? await call.project() : ((await findProject(call.client, given)) ?? { id: given });
	return call.client.getProject(id);
}

async function update(call: Call<UpdateOptions>, given: string | undefined): Promise<void> {
	const { name, eventTypes, retentionDays, payloadRetentionDays, maxEventsPerSecond, maxStoredBytes } = call.options;
	const { maxWebhooksPerCustomer, maxReplaysPerCustomer, maxStreamsPerCustomer, maxTestsPerCustomer } = call.options;
	const { revision } = call.options;
	const all = {
		name,
		eventTypes,
		retentionDays,
		payloadRetentionDays,
		maxEventsPerSecond,
		maxStoredBytes,
		maxWebhooksPerCustomer,
		maxReplaysPerCustomer,
		maxStreamsPerCustomer,
		maxTestsPerCustomer,
	};
	if (Object.values(all).every((value) => value === undefined)) {
		throw usageError("Nothing to change: pass an option such as --name.", "fanfare projects update --help");
	}
	const { id } = await chosen(call, given);
	await show(call, await call.client.projects.update(id, { ...all, revision }));
}

async function remove(call: Call, given: string | undefined): Promise<void> {
	const project = await chosen(call, given);
	const { deliveries } = await project.stats();
	const waiting = deliveries.Pending + deliveries.Held;
	await call.confirm(
		`Delete the project ${printable(project.name)} (${project.id}) with its webhooks and keys? ${waiting === 1 ? "1 waiting delivery is" : `${waiting} waiting deliveries are`} cancelled. This cannot be undone.`,
	);
	const deleted = await call.client.projects.delete(project.id);
	await call.output.object(deleted, deleted.id, () => [["Deleted", printable(project.name)]]);
}

async function usage(call: Call, given: string | undefined): Promise<void> {
	const project = await chosen(call, given);
	const usage = await project.usage();
	await call.output.object(usage, project.id, () => [
		["Project", printable(project.name)],
		["Stored", `${size(usage.storedBytes)}${usage.maxStoredBytes === 0 ? "" : ` of ${size(usage.maxStoredBytes)}`}`],
		["Events per second", atMost(usage.maxEventsPerSecond)],
		["Changes per minute", atMost(usage.maxChangesPerMinute)],
		["Of each customer", atMost(usage.maxChangesPerMinutePerCustomer)],
	]);
}

/** A server of an earlier version has no quotas of changes. */
function atMost(quota: number | undefined): string {
	return quota === undefined || quota === 0 ? "no quota" : `${quota} at most`;
}

async function show({ output }: Call, project: Project): Promise<void> {
	const quota = (value: number | null | undefined) => (value === null || value === undefined ? null : String(value));
	await output.object(project, project.id, () => [
		["Id", project.id],
		["Name", printable(project.name)],
		["Event types", project.eventTypePolicy ?? "open"],
		["Events kept", days(project.retentionDays)],
		["Payloads kept", days(project.payloadRetentionDays)],
		["Events per second", quota(project.maxEventsPerSecond)],
		["Stored bytes", quota(project.maxStoredBytes)],
		["Of each customer", perCustomer(project)],
		["Created", fullTime(project.createDate)],
		["Revision", String(project.revision ?? 1)],
	]);
}

function perCustomer(project: Project): string | null {
	const limits = [
		[project.maxWebhooksPerCustomer, "webhooks"],
		[project.maxReplaysPerCustomer, "replays at once"],
		[project.maxStreamsPerCustomer, "live streams"],
		[project.maxTestsPerCustomer, "tests at once"],
	] as const;
	const own = limits.filter(([limit]) => limit !== null && limit !== undefined);
	return own.length === 0 ? null : own.map(([limit, noun]) => `${limit} ${noun}`).join(", ");
}

function days(count: number | null | undefined): string {
	if (count === null || count === undefined) return "as the server says";
	if (count === 0) return "without end";
	return count === 1 ? "1 day" : `${count} days`;
}
