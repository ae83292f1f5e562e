// `fanfare webhooks`: registered endpoints, their settings and their state.
import type { ProjectHandle, Webhook, WebhookFilter } from "@fanfare/sdk";
import type { Command } from "commander";

import type { Call } from "../../frame/call.ts";
import { leaf } from "../../frame/command.ts";
import { emptyText, listOptions, pageSize, rowLimit, type ListOptions } from "../../frame/lists.ts";
import { WEBHOOK, webhookIdOf } from "../../frame/named.ts";
import { counted } from "../../text/numbers.ts";
import { printable } from "../../text/printable.ts";
import { addExport } from "../exporting/export.ts";
import { addStats } from "../stats.ts";
import { addCreate, addUpdate } from "./change.ts";
import { filterOf, filterOptions, type FilterOptions } from "./filter.ts";
import { addRotateSecret } from "./secret.ts";
import { COLUMNS, showWebhook } from "./show.ts";
import { addTest } from "./test-webhook.ts";

const args = { webhook: WEBHOOK };

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
	addExport<FilterOptions, WebhookFilter>(group, {
		nouns: "webhooks",
		options: filterOptions(),
		filterOf,
		exporterOf: async (call) => (await call.project()).batch.webhooks,
		example: "fanfare webhooks export --health Failing,Disabling --format csv --output failing.csv",
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
	leaf<FilterOptions & ListOptions>(
		group,
		{
			usage: "list",
			summary: "List webhooks, newest first.",
			options: [...filterOptions(), ...listOptions()],
			examples: ["fanfare webhooks list --health Failing,Disabling", "fanfare webhooks list --customer acme --json"],
		},
		async (call) => {
			const project = await call.project();
			const filter = filterOf(call);
			const rows = project.batch.webhooks.list({ ...filter, limit: pageSize(call.options) });
			const empty = emptyText(filter, "webhooks", "No webhooks. Next: fanfare webhooks create");
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
