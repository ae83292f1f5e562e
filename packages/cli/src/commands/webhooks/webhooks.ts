// `fanfare webhooks`: registered endpoints, their settings and their state.
import type { ProjectHandle, Webhook } from "@fanfare/sdk";
import type { Command } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { leaf, option } from "../../frame/command.ts";
import { listOptions, pageSize, rowLimit, type ListOptions } from "../../frame/lists.ts";
import { WEBHOOK, webhookIdOf } from "../../frame/named.ts";
import { collectEntries, listOf } from "../../frame/values.ts";
import { counted } from "../../text/numbers.ts";
import { printable } from "../../text/printable.ts";
import { addStats } from "../stats.ts";
import { addCreate, addUpdate } from "./change.ts";
import { addRotateSecret } from "./secret.ts";
import { COLUMNS, showWebhook } from "./show.ts";
import { addTest } from "./test-webhook.ts";

interface Filter extends CommonOptions, ListOptions {
	readonly q?: string;
	readonly status?: Webhook["status"][];
	readonly health?: Webhook["health"]["state"][];
	readonly customer?: string;
	readonly key?: string;
	readonly eventType?: string;
	readonly metadata?: Record<string, string>;
}

const args = { webhook: WEBHOOK };
const STATUSES: readonly Webhook["status"][] = ["Enabled", "Paused", "Disabled"];
const HEALTH: readonly Webhook["health"]["state"][] = ["Healthy", "Failing", "Disabling", "Disabled"];

/** Adds the group to the program. */
export function addWebhooks(program: Command): void {
	const group = program
		.command("webhooks")
		.description("A webhook is a registered endpoint, with its secret, its retry policy and its filter.");
	addList(group);
	leaf(group, { usage: "get [webhook]", summary: "Show a webhook, and how it is.", args }, async (call, given) => {
		const project = await call.project();
		await showWebhook(call, await project.batch.webhooks.get(await webhookIdOf(call, project, given)));
	});
	addCreate(group);
	addUpdate(group);
	addRotateSecret(group);
	addTest(group);
	addAction(group, "pause", "Pause a webhook: its deliveries are held until it is resumed.", (project, id) =>
		project.batch.webhooks.pause(id),
	);
	addAction(group, "resume", "Resume a webhook that is paused or disabled. What is held is sent.", (project, id) =>
		project.batch.webhooks.resume(id),
	);
	addStats(
		group,
		{ usage: "stats [webhook]", summary: "Show counts and latencies of its deliveries over time.", args },
		async (call, given, params) => {
			const project = await call.project();
			return project.batch.webhooks.stats(await webhookIdOf(call, project, given), params);
		},
	);
	leaf(
		group,
		{
			usage: "delete [webhook]",
			summary: "Delete a webhook, and cancel its waiting deliveries.",
			description: "This cannot be undone.",
			args,
			changes: "asks",
		},
		remove,
	);
}

function addList(group: Command): void {
	leaf<Filter>(
		group,
		{
			usage: "list",
			summary: "List webhooks, newest first.",
			options: [
				option("--q <text>", "Only those whose name, description, host or key has this text, or whose id it is."),
				option("--status <list>", "Only those that are Enabled, Paused or Disabled.", listOf(STATUSES)),
				option("--health <list>", "Only those that are Healthy, Failing, Disabling or Disabled.", listOf(HEALTH)),
				option("--customer <id>", "Only those of this customer."),
				option("--key <key>", "Only the one with this key of your own."),
				option("--event-type <type>", "Only those that this event type reaches."),
				option("--metadata <name=value>", "Only those with this metadata. May be repeated.", collectEntries),
				...listOptions(),
			],
			examples: ["fanfare webhooks list --health Failing,Disabling", "fanfare webhooks list --customer acme --json"],
		},
		async (call) => {
			const { q, status, health, customer: customerId, key, eventType, metadata } = call.options;
			const project = await call.project();
			const filter = { q, status, health, customerId, key, eventType, metadata, limit: pageSize(call.options) };
			const rows = project.batch.webhooks.list(filter);
			const empty = "No webhooks. Next: fanfare webhooks create";
			await call.output.list(rows, { columns: COLUMNS, id: ({ id }) => id, limit: rowLimit(call.options), empty });
		},
	);
}

function addAction(
	group: Command,
	name: string,
	summary: string,
	act: (project: ProjectHandle, id: string) => Promise<Webhook>,
): void {
	leaf(group, { usage: `${name} [webhook]`, summary, args, changes: "ask" }, async (call, given) => {
		const project = await call.project();
		await showWebhook(call, await act(project, await webhookIdOf(call, project, given)));
	});
}

async function remove(call: Call, given: string | undefined): Promise<void> {
	const project = await call.project();
	const { id, name, endpoint, deliveries } = await project.batch.webhooks.get(await webhookIdOf(call, project, given));
	const waiting = counted(deliveries.Pending + deliveries.Held, "waiting delivery is", "waiting deliveries are");
	await call.confirm(`Delete the webhook ${printable(name)} (${printable(endpoint)})? ${waiting} cancelled.`);
	const deleted = await project.batch.webhooks.delete(id);
	await call.output.object(deleted, id, () => [["Deleted", `${printable(name)} (${id})`]]);
}
