// `fanfare portal`: links with which customers use the portal.
import type { Capability, PortalSession, ProjectHandle } from "@fanfare/sdk";
import type { Command } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { leaf, option } from "../../frame/command.ts";
import { missing, usageError } from "../../frame/failure.ts";
import { listOptions, pageSize, rowLimit, type ListOptions } from "../../frame/lists.ts";
import { keyOf } from "../../frame/named.ts";
import { listOf, readJson } from "../../frame/values.ts";
import { counted } from "../../text/numbers.ts";
import { printable } from "../../text/printable.ts";
import { onStderr } from "../../text/style.ts";
import type { Column } from "../../text/table.ts";
import { fullTime, parseDuration, relativeTime } from "../../text/times.ts";

interface LinkOptions extends CommonOptions {
	readonly capabilities?: Capability[];
	readonly expires?: number;
	readonly returnUrl?: string;
	readonly theme?: string;
	readonly locale?: string;
	readonly actor?: string;
}

interface Filter extends CommonOptions, ListOptions {
	readonly customer?: string;
}

interface RevokeOptions extends CommonOptions {
	readonly customer?: string;
	readonly key?: string;
}

const CAPABILITIES: readonly Capability[] = [
	"webhooks.write",
	"secrets.rotate",
	"payloads.read",
	"deliveries.retry",
	"replay",
];
const COLUMNS: readonly Column<PortalSession>[] = [
	{ title: "customer", value: ({ customerId }) => customerId, flexible: true },
	{ title: "allows", value: ({ capabilities }) => allowed(capabilities), flexible: true, optional: 1 },
	{ title: "actor", value: ({ actor }) => actor ?? "–", flexible: true, optional: 2 },
	{ title: "expires", value: ({ expireDate }) => relativeTime(expireDate) },
	{ title: "id", value: ({ id }) => id },
];

/** Adds the group to the program. */
export function addPortal(program: Command): void {
	const group = program
		.command("portal")
		.description("A portal session lets one customer use the portal, and nothing of others.");
	addLink(group);
	leaf<Filter>(
		group,
		{
			usage: "list",
			summary: "List the portal sessions that are valid, newest first.",
			options: [option("--customer <id>", "Only those of this customer."), ...listOptions()],
		},
		async (call) => {
			const { customer: customerId } = call.options;
			const rows = (await call.project()).portalSessions.list({ customerId, limit: pageSize(call.options) });
			const view = { columns: COLUMNS, id: ({ id }: PortalSession) => id, empty: "No portal sessions." };
			await call.output.list(rows, { ...view, limit: rowLimit(call.options) });
		},
	);
	const args = { session: "The session's id, such as portal_…. Asked for on a terminal." };
	leaf(group, { usage: "get [session]", summary: "Show a portal session.", args }, async (call, given) => {
		const project = await call.project();
		const session = await project.portalSessions.get(await sessionIdOf(call, project, given));
		await call.output.object(session, session.id, () => fieldsOf(session));
	});
	leaf<RevokeOptions>(
		group,
		{
			usage: "revoke [session]",
			summary: "End a portal session, or all of a customer or a key. Their tokens stop working at once.",
			args: { session: "The session's id, such as portal_…. If omitted, the options say which ones." },
			changes: "asks",
			options: [
				option("--customer <id>", "All sessions of this customer."),
				option("--key <key>", "All sessions that this key has made: its id or its name."),
			],
		},
		revoke,
	);
}

function addLink(group: Command): void {
	leaf<LinkOptions>(
		group,
		{
			usage: "link [customer]",
			summary: "Make a link to the portal for a customer, and print it once.",
			description: "Whoever has the link can use the session until it expires.",
			args: { customer: "The customer's id, who need not have a webhook yet. Asked for on a terminal." },
			changes: "ask",
			options: [
				option(
					"--capabilities <list>",
					`What it allows beside reading: ${CAPABILITIES.join(", ")}.`,
					listOf(CAPABILITIES),
				),
				option("--expires <duration>", "How long it is valid, 1m to 7d. Default: 1h.", parseDuration),
				option("--return-url <url>", "Where the portal leads back to."),
				option("--theme <json>", "The look of the portal, as JSON, @file or @-."),
				option("--locale <tag>", "Its language, such as de or pt-BR."),
				option("--actor <name>", "Who uses it, for the audit log, such as ada@example.com."),
			],
			examples: ["fanfare portal link acme --capabilities webhooks.write,deliveries.retry --expires 8h"],
		},
		link,
	);
}

async function link(call: Call<LinkOptions>, given: string | undefined): Promise<void> {
	const { capabilities, expires: expiresInMs, returnUrl, theme, locale, actor } = call.options;
	const customerId = await call.need("customer", given, "The customer's id");
	const look = theme === undefined ? undefined : await readJson("--theme", theme);
	const session = await (
		await call.project()
	).portalSessions.create({
		customerId,
		capabilities,
		expiresInMs,
		returnUrl,
		locale,
		actor,
		...(look !== undefined && { theme: look }),
	});
	await call.output.object(session, session.url, () => [["Link", session.url], ...fieldsOf(session)]);
	call.output.note(onStderr("yellow", "The link is never shown again."));
}

async function revoke(call: Call<RevokeOptions>, given: string | undefined): Promise<void> {
	const { customer: customerId, key } = call.options;
	const { portalSessions } = await call.project();
	if (given !== undefined) {
		if (customerId !== undefined || key !== undefined) throw usageError("Pass a session or options, not both.");
		await call.confirm(`End the portal session ${printable(given)}?`);
		const deleted = await portalSessions.revoke(given);
		return call.output.object(deleted, deleted.id, () => [["Ended", deleted.id]]);
	}
	if (customerId === undefined && key === undefined) throw missing("session", "fanfare portal list");
	const keyId = key === undefined ? undefined : await keyOf(call, call.client, key);
	let count = 0;
	for await (const session of portalSessions.list({ customerId })) {
		if (keyId === undefined || session.keyId === keyId) count++;
	}
	await call.confirm(`End ${counted(count, "portal session")}?`);
	const revoked = await portalSessions.revokeAll({ customerId, keyId });
	await call.output.object(revoked, String(revoked.count), () => [["Ended", counted(revoked.count, "portal session")]]);
}

async function sessionIdOf(call: Call, project: ProjectHandle, given: string | undefined): Promise<string> {
	async function* choices() {
		for (const { id, customerId, expireDate } of (await project.portalSessions.list({ limit: 50 })).data) {
			yield { value: id, label: customerId, hint: `expires ${relativeTime(expireDate)}, ${id}` };
		}
	}
	return given ?? call.pick("portal session", "session", choices(), "fanfare portal list");
}

function fieldsOf(session: PortalSession): (readonly [string, string | null])[] {
	return [
		["Id", session.id],
		["Customer", session.customerId],
		["Allows", allowed(session.capabilities)],
		["Actor", session.actor === null ? null : printable(session.actor)],
		["Leads back to", session.returnUrl === null ? null : printable(session.returnUrl)],
		["Language", session.locale],
		["Created", fullTime(session.createDate)],
		["Expires", fullTime(session.expireDate)],
	];
}

function allowed(capabilities: readonly Capability[]): string {
	return ["reading", ...capabilities].join(", ");
}
