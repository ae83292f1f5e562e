// `fanfare customers`: lists customers, and pauses, resumes, renames or deletes one.
import type { Customer, CustomerFilter, ProjectHandle, WebhooksChanged } from "@fanfare/sdk";
import type { Command, Option } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { leaf, option } from "../../frame/command.ts";
import { usageError } from "../../frame/failure.ts";
import { emptyText, listOptions, pageSize, rowLimit, type ListOptions } from "../../frame/lists.ts";
import { collecting } from "../../frame/refusals/given-twice.ts";
import { asText, collectEntries, orNull } from "../../frame/values.ts";
import { counted } from "../../text/numbers.ts";
import { printable } from "../../text/printable.ts";
import { onStdout } from "../../text/style.ts";
import type { Column } from "../../text/table.ts";
import { fullTime, relativeTime } from "../../text/times.ts";
import { addExport } from "../exporting/export.ts";
import { addStats } from "../stats.ts";

interface FilterOptions extends CommonOptions {
	readonly q?: string;
}

interface UpdateOptions extends CommonOptions {
	readonly name?: string | null;
	readonly metadata?: Record<string, string>;
	readonly removeMetadata?: boolean;
}

/** The text of an argument that names a customer. */
const CUSTOMER = "The customer's id, a string of your own. Asked for on a terminal.";
const args = { customer: CUSTOMER };
const COLUMNS: readonly Column<Customer>[] = [
	{ title: "id", value: ({ id }) => id },
	{ title: "name", value: ({ name }) => name ?? "–", flexible: true },
	{ title: "webhooks", value: ({ webhooks }) => String(webhooks.total), align: "right" },
	{
		title: "failing",
		value: ({ webhooks }) => (webhooks.failing === 0 ? "–" : `✗ ${webhooks.failing}`),
		style: (text, { webhooks }) => (webhooks.failing === 0 ? text : onStdout("red", text)),
		align: "right",
	},
];

/** Adds the group to the program. */
export function addCustomers(program: Command): void {
	const group = program
		.command("customers")
		.description(
			"A customer of yours is whom webhooks belong to. No call creates one: a webhook, an event or a name does.",
		);
	leaf<FilterOptions & ListOptions>(
		group,
		{
			usage: "list",
			summary: "List customers, by id.",
			options: [...filterOptions(), ...listOptions()],
		},
		async (call) => {
			const filter = filterOf(call);
			const rows = (await call.project()).customers.list({ ...filter, limit: pageSize(call.options) });
			const empty = emptyText(filter, "customers", "No customers.");
			const view = { columns: COLUMNS, id: ({ id }: Customer) => id, empty };
			await call.output.list(rows, { ...view, limit: rowLimit(call.options) });
		},
	);
	leaf(group, { usage: "get [customer]", summary: "Show a customer.", args }, async (call, given) => {
		const project = await call.project();
		await show(call, await project.customers.get(await customerIdOf(call, project, given)));
	});
	addExport<FilterOptions, CustomerFilter>(group, {
		nouns: "customers",
		order: "by id",
		options: filterOptions(),
		filterOf,
		exporterOf: async (call) => (await call.project()).customers,
		example: "fanfare customers export --format csv --output customers.csv",
	});
	leaf<UpdateOptions>(
		group,
		{
			usage: "update [customer]",
			summary: "Keep a name or metadata for a customer, who need not have a webhook yet.",
			args,
			changes: "ask",
			options: [
				option("--name <name>", "1–128 characters; `none` removes it.", orNull("none", asText)),
				collecting("--metadata <name=value>", "Your own metadata. May be repeated; replaces all.", collectEntries),
				option("--remove-metadata", "Keep no metadata any more."),
			],
		},
		update,
	);
	addForAll(group, "pause", "Pause all webhooks of a customer.", (project, id) => project.customers.pause(id));
	addForAll(group, "resume", "Resume all webhooks of a customer that are paused or disabled.", (project, id) =>
		project.customers.resume(id),
	);
	leaf(
		group,
		{
			usage: "delete [customer]",
			summary: "Delete everything of a customer, in the background.",
			description: "`fanfare customers get` shows how far it is, and exits with 3 when it is over.",
			args,
			changes: "asks",
		},
		remove,
	);
	const summary = "Show counts and latencies of the deliveries of all webhooks of a customer.";
	addStats(group, { usage: "stats [customer]", summary, args }, async (call, given, params) => {
		const project = await call.project();
		return project.customers.stats(await customerIdOf(call, project, given), params);
	});
}

function filterOptions(): Option[] {
	return [option("--q <text>", "Only those whose id or name has this text.")];
}

function filterOf({ options: { q } }: Pick<Call<FilterOptions>, "options">): CustomerFilter {
	return { q };
}

function addForAll(
	group: Command,
	name: "pause" | "resume",
	summary: string,
	act: (project: ProjectHandle, id: string) => Promise<WebhooksChanged>,
): void {
	const description = "The number of webhooks is shown first.";
	leaf(group, { usage: `${name} [customer]`, summary, description, args, changes: "asks" }, async (call, given) => {
		const project = await call.project();
		const id = await customerIdOf(call, project, given);
		const { webhooks } = await project.customers.get(id);
		await call.confirm(
			`${name === "pause" ? "Pause" : "Resume"} ${counted(webhooks.total, "webhook")} of the customer ${id}?`,
		);
		const changed = await act(project, id);
		await call.output.object(changed, String(changed.changed), () => [
			[name === "pause" ? "Paused" : "Resumed", `${changed.changed} of ${counted(changed.matched, "webhook")}`],
		]);
	});
}

async function remove(call: Call, given: string | undefined): Promise<void> {
	const project = await call.project();
	const id = await customerIdOf(call, project, given);
	const { webhooks } = await project.customers.get(id);
	await call.confirm(
		`Delete everything of the customer ${id}: ${counted(webhooks.total, "webhook")}, portal sessions and payloads? This cannot be undone.`,
	);
	await show(call, await project.customers.delete(id));
}

async function update(call: Call<UpdateOptions>, given: string | undefined): Promise<void> {
	const { name, metadata, removeMetadata } = call.options;
	if (name === undefined && metadata === undefined && removeMetadata !== true) {
		throw usageError("Nothing to change: pass an option such as --name.", "fanfare customers update --help");
	}
	const project = await call.project();
	const id = await call.need("customer", given, "The customer's id");
	const changes = { name, metadata: removeMetadata === true ? null : metadata };
	await show(call, await project.customers.update(id, changes));
}

async function customerIdOf(call: Call, project: ProjectHandle, given: string | undefined): Promise<string> {
	return given ?? call.pick("customer", "customer", choicesOf(project), "fanfare customers list");
}

async function* choicesOf(project: ProjectHandle) {
	for await (const { id, name } of project.customers.list()) {
		yield { value: id, label: id, ...(name !== null && { hint: printable(name) }) };
	}
}

async function show({ output }: Call, customer: Customer): Promise<void> {
	const entries = Object.entries(customer.metadata).map(([name, value]) => printable(`${name}=${value}`));
	await output.object(customer, customer.id, () => [
		["Id", customer.id],
		["Name", customer.name === null ? null : printable(customer.name)],
		["Webhooks", `${customer.webhooks.total}, of which ${customer.webhooks.failing} fail`],
		["Deletion", deletionText(customer)],
		["Metadata", entries.length === 0 ? null : entries.join("\n")],
		["Created", fullTime(customer.createDate)],
		["Changed", fullTime(customer.updateDate)],
	]);
}

function deletionText({ deletion }: Customer): string | null {
	if (deletion === undefined) return null;
	const { webhooksLeft, eventCount, startDate } = deletion;
	return `${counted(webhooksLeft, "webhook")} left, ${counted(eventCount, "payload")} erased, begun ${relativeTime(startDate)}`;
}
