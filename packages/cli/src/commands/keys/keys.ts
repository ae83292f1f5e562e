// `fanfare keys`: the API keys of the workspace.
import type { CreatedKey, Key, KeyScope } from "@fanfare/sdk";
import type { Command } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { choice, leaf, option } from "../../frame/command.ts";
import { findProject } from "../../frame/connection.ts";
import { missing, usageError } from "../../frame/failure.ts";
import { listOptions, pageSize, rowLimit, type ListOptions } from "../../frame/lists.ts";
import { keyOf } from "../../frame/named.ts";
import { askChoice } from "../../frame/prompts.ts";
import { printable } from "../../text/printable.ts";
import { onStderr } from "../../text/style.ts";
import type { Column } from "../../text/table.ts";
import { fullTime, parseDuration, parseTime, relativeTime } from "../../text/times.ts";

interface CreateOptions extends CommonOptions {
	readonly scope?: KeyScope;
	readonly expires?: number;
	readonly expireDate?: number;
}

interface RollOptions extends CommonOptions {
	readonly overlap?: number;
}

interface RenameOptions extends CommonOptions {
	readonly name?: string;
}

const KEY = "The key: its id or its name. Asked for on a terminal.";
const SCOPES = [
	{ value: "read", label: "read", hint: "only reading" },
	{ value: "write", label: "write", hint: "also sending events and changing webhooks" },
	{ value: "admin", label: "admin", hint: "also keys, projects and the audit log" },
] as const;

const COLUMNS: readonly Column<Key>[] = [
	{ title: "id", value: ({ id }) => id },
	{ title: "name", value: ({ name }) => name, flexible: true },
	{ title: "scope", value: ({ scope }) => scope },
	{ title: "project", value: ({ projectId }) => projectId ?? "all", optional: 3 },
	{ title: "ends in", value: ({ hint }) => hint, optional: 4 },
	{
		title: "last used",
		value: ({ lastUsedDate }) => (lastUsedDate === null ? "never" : relativeTime(lastUsedDate)),
		optional: 1,
	},
	{
		title: "expires",
		value: ({ expireDate }) => (expireDate === null ? "never" : relativeTime(expireDate)),
		optional: 2,
	},
];

/** Adds the group to the program. */
export function addKeys(program: Command): void {
	const group = program.command("keys").description("API keys open the workspace or one project. Needs an admin key.");
	leaf<CommonOptions & ListOptions>(
		group,
		{ usage: "list", summary: "List the keys, newest first.", options: listOptions(), inProject: false },
		async ({ client, options, output }) => {
			const rows = client.keys.list({ limit: pageSize(options) });
			await output.list(rows, { columns: COLUMNS, id: ({ id }) => id, limit: rowLimit(options), empty: "No keys." });
		},
	);
	leaf<CreateOptions>(
		group,
		{
			usage: "create [name]",
			summary: "Create a key, and print it once.",
			description: "With --project, it opens only this project; otherwise the whole workspace.",
			args: { name: "1–128 characters. Asked for on a terminal." },
			changes: "ask",
			options: [
				choice(
					"--scope <scope>",
					"What it allows. Asked for on a terminal.",
					SCOPES.map(({ value }) => value),
				),
				option("--expires <duration>", "How long it works, such as 90d.", parseDuration),
				option("--expire-date <time>", "Until when it works, such as 2026-12-31.", (text) => parseTime(text)),
			],
			examples: ["fanfare keys create checkout --scope write --project Shop --expires 365d"],
		},
		create,
	);
	leaf<RenameOptions>(
		group,
		{
			usage: "update [key]",
			summary: "Rename a key.",
			args: { key: KEY },
			inProject: false,
			changes: "ask",
			options: [option("--name <name>", "Its new name, 1–128 characters.")],
		},
		async (call, given) => {
			const name = await call.need("--name", call.options.name, "Its new name");
			const key = await call.client.keys.update(await keyOf(call, call.client, given), { name });
			await call.output.object(key, key.id, () => fieldsOf(key));
		},
	);
	leaf<RollOptions>(
		group,
		{
			usage: "roll [key]",
			summary: "Give a key a new secret, and print it once.",
			args: { key: KEY },
			inProject: false,
			changes: "ask",
			options: [
				option("--overlap <duration>", "How long the earlier secret works, 0s to 7d. Default: 24h.", parseDuration),
			],
		},
		async (call, given) => {
			const { overlap: overlapMs } = call.options;
			await showCreated(call, await call.client.keys.roll(await keyOf(call, call.client, given), { overlapMs }));
		},
	);
	leaf(
		group,
		{
			usage: "delete [key]",
			summary: "Delete a key, which stops working at once.",
			args: { key: KEY },
			inProject: false,
			changes: "asks",
		},
		async (call, given) => {
			const id = await keyOf(call, call.client, given);
			await call.confirm(
				`Delete the key ${given === undefined || given === id ? id : `${printable(given)} (${id})`}? Whatever uses it stops working at once.`,
			);
			const deleted = await call.client.keys.delete(id);
			await call.output.object(deleted, deleted.id, () => [["Deleted", id]]);
		},
	);
}

async function create(call: Call<CreateOptions>, given: string | undefined): Promise<void> {
	const { expires, expireDate, project } = call.options;
	if (expires !== undefined && expireDate !== undefined) {
		throw usageError("Pass --expires or --expire-date, not both.", "fanfare keys create --help");
	}
	const name = await call.need("name", given, "The name of the key, such as that of the program that will use it");
	const scope = call.options.scope ?? (await scopeOf(call));
	// Only a project that is named: a key for one project must not come about by what a profile happens to have.
	const projectId = project === undefined ? null : ((await findProject(call.client, project))?.id ?? project);
	const until = expires === undefined ? expireDate : Date.now() + expires;
	await showCreated(call, await call.client.keys.create({ name, scope, projectId, expireDate: until ?? null }));
}

async function scopeOf(call: Call<CreateOptions>): Promise<KeyScope> {
	if (!call.isInteractive) throw missing("--scope", "fanfare keys create --help");
	return askChoice<KeyScope>("What it allows", SCOPES);
}

async function showCreated({ output }: Call, key: CreatedKey): Promise<void> {
	await output.object(key, key.secretKey, () => [["Secret key", key.secretKey], ...fieldsOf(key)]);
	output.note(onStderr("yellow", "Keep the secret key now: it is never shown again."));
}

function fieldsOf(key: Key): (readonly [string, string | null])[] {
	return [
		["Id", key.id],
		["Name", printable(key.name)],
		["Scope", key.scope],
		["Project", key.projectId ?? "the whole workspace"],
		["Ends in", printable(key.hint)],
		["Expires", key.expireDate === null ? "never" : fullTime(key.expireDate)],
		["Last used", key.lastUsedDate === null ? "never" : fullTime(key.lastUsedDate)],
		["Earlier secret until", key.secretOverlapUntil === null ? null : fullTime(key.secretOverlapUntil)],
	];
}
