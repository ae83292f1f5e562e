// What the API can do, the command can: each call has a command, and each filter and each field of its body an option of it.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { beforeAll, expect, it } from "vitest";

import { loadWholeProgram } from "../src/program.ts";

interface Schema {
	readonly $ref?: string;
	readonly properties?: Readonly<Record<string, Schema>>;
	readonly allOf?: readonly Schema[];
	readonly anyOf?: readonly Schema[];
	readonly oneOf?: readonly Schema[];
}

interface Operation {
	readonly operationId: string;
	readonly parameters?: readonly { readonly name: string; readonly in: string }[];
	readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
}

const document = JSON.parse(
	readFileSync(fileURLToPath(new URL("../../../docs/openapi.json", import.meta.url)), "utf8"),
) as {
	readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
	readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
};

const METHODS = ["get", "post", "put", "patch", "delete"];
const OPERATIONS = Object.values(document.paths).flatMap((path) =>
	METHODS.flatMap((method) => (path[method] === undefined ? [] : [path[method]])),
);

/** The command of each call, unless it follows from the name: `pauseWebhook` is `webhooks pause`. */
const OTHER_COMMANDS: Readonly<Record<string, string>> = {
	getWorkspace: "whoami",
	getWorkspaceStatus: "status",
	getEgressAddresses: "status",
	getCaller: "whoami",
	searchProjects: "projects list",
	getProjectUsage: "projects usage",
	getProjectStats: "projects stats",
	updateWebhookSecret: "webhooks rotate-secret",
	conformWebhook: "conform",
	getWebhookStats: "webhooks stats",
	releaseWebhook: "release",
	releaseProjectWebhooks: "release",
	releaseWebhooks: "release",
	sendEvents: "events import",
	getEventData: "events data",
	eraseEventData: "events erase",
	getEventRouting: "why",
	countDeliveries: "deliveries retry",
	listAttempts: "deliveries attempts",
	replayWebhook: "replays start",
	createReplays: "replays start",
	putRelay: "listen",
	getCustomerStats: "customers stats",
	createPortalSession: "portal link",
	listPortalSessions: "portal list",
	getPortalSession: "portal get",
	revokePortalSession: "portal revoke",
	revokePortalSessions: "portal revoke",
	stream: "tail",
	listAuditEntries: "audit list",
	exportAuditEntries: "audit export",
	listProjectAuditEntries: "audit list",
	exportProjectAuditEntries: "audit export",
};

/** Calls without a command, each with the reason. `fanfare api` makes any of them. */
const WITHOUT: Readonly<Record<string, string>> = {
	createSession: "a browser signs in",
	deleteSessions: "a browser signs out",
	createSignInLink: "`serve --sign-in-link` and `dev` print one",
	getStatsOfWebhooks: "the stats of a page of webhooks; `webhooks stats` shows those of one",
	listRelays: "relays are webhooks: `webhooks list`",
	getRelay: "relays are webhooks: `webhooks get`",
	updateRelay: "`listen` makes its relay what its options say",
	deleteRelay: "`listen` deletes its relay at the end",
	relayRequests: "`listen` reads them",
	answerRelayRequest: "`listen` answers them",
	listStreamItems: "the stream without a connection that stays: `tail`",
	getHealth: "for load balancers",
	getReadiness: "for load balancers",
	getMetrics: "for Prometheus",
	getOpenApi: "a document",
	getDocs: "a document",
	getApiDocs: "a document",
};

/** The command for each call that has one. */
const COMMANDS = Object.fromEntries(
	OPERATIONS.map(({ operationId }) => operationId)
		.filter((operationId) => WITHOUT[operationId] === undefined)
		.map((operationId) => [operationId, OTHER_COMMANDS[operationId] ?? byName(operationId)]),
);

/** `getDelivery` as `deliveries get`. */
function byName(operationId: string): string {
	const [verb = "", ...nouns] = operationId.split(/(?=[A-Z])/).map((word) => word.toLowerCase());
	const noun = nouns.join("-");
	const plural = noun.endsWith("s") ? noun : /[^aeo]y$/.test(noun) ? `${noun.slice(0, -1)}ies` : `${noun}s`;
	return `${plural} ${verb}`;
}

/** Filters and fields with another name than the option, or an argument; null for those that no user sets. */
const NAMES: Readonly<Record<string, string | null>> = {
	page: null,
	customerId: "customer",
	customerIds: "customer",
	webhookId: "webhook",
	webhookIds: "webhook",
	eventId: "event",
	projectId: "project",
	keyId: "key",
	objectId: "object",
	"events send tags": "tag",
	"events import events": "[file]",
	"events send type": "[type]",
	"events match type": "[type]",
	"projects create name": "[name]",
	"keys create name": "[name]",
	"event-types create name": "[name]",
	"portal link customerId": "[customer]",
	"portal link expiresInMs": "expires",
	"deliveries attempts limit": "limit",
	"keys roll overlapMs": "overlap",
	"webhooks rotate-secret overlapMs": "overlap",
	"webhooks rotate-secret contents": "secret-file",
	"replays start webhookIds": "also-to",
	"replays start eventIds": "events",
	"conform eventType": "type",
	"conform checks": "only",
	"conform slowMs": "slow",
	"listen name": "device",
	"listen secret": "secret-file",
	"listen eventTypes": "events",
	"listen customerId": "customer",
	"listen mirrorOf": "mirror",
	"listen timeoutMs": "timeout",
	timeoutMs: "timeout",
	disableAfterMs: "disable-after",
	scheduleMs: "schedule",
	maxBackoffMs: "max-retry-delay",
	headers: "header",
	"webhooks create endpoint": "[endpoint]",
	"webhooks create secret": "secret-file",
	// `webhooks rotate-secret` does it, with an overlap.
	"webhooks update secret": null,
	"why limit": null,
	"why customerId": null,
};

/** Objects whose fields are options. */
const NESTED = ["spec", "retries"];

type Command = Awaited<ReturnType<typeof loadWholeProgram>>;
let program: Command;
beforeAll(async () => {
	program = await loadWholeProgram();
});

function commandOf(words: string): Command {
	let command: Command | undefined = program;
	for (const word of words.split(" ")) command = command?.commands.find((child) => child.name() === word);
	if (command === undefined) throw new Error(`there is no command ${words}`);
	return command;
}

function namesIn(schema: Schema): string[] {
	const { $ref, properties = {}, allOf = [], anyOf = [], oneOf = [] } = schema;
	if ($ref !== undefined) return namesIn(document.components.schemas[$ref.split("/").at(-1) ?? ""] ?? {});
	const own = Object.entries(properties).flatMap(([name, value]) => (NESTED.includes(name) ? namesIn(value) : [name]));
	return [...own, ...[...allOf, ...anyOf, ...oneOf].flatMap(namesIn)];
}

const unused = new Set(Object.keys(NAMES));

it("has a command for every call, or a reason for none", () => {
	const known = new Set(OPERATIONS.map(({ operationId }) => operationId));
	const named = [...Object.keys(OTHER_COMMANDS), ...Object.keys(WITHOUT)];
	expect(named.filter((operationId) => !known.has(operationId))).toEqual([]);
	for (const words of Object.values(COMMANDS)) commandOf(words);
});

it.each(Object.entries(COMMANDS))("%s: every filter and field is an option of `fanfare %s`", (operationId, words) => {
	const operation = OPERATIONS.find((one) => one.operationId === operationId);
	const filters = (operation?.parameters ?? []).filter(({ in: where }) => where === "query").map(({ name }) => name);
	const fields = Object.values(operation?.requestBody?.content ?? {}).flatMap(({ schema }) => namesIn(schema));
	const command = commandOf(words);
	const options = command.options.map(({ long }) => long?.replace(/^--/, ""));
	const known = [...options, ...command.registeredArguments.map((argument) => `[${argument.name()}]`)];
	const missing = [...new Set([...filters, ...fields])].filter((name) => {
		const key = [`${words} ${name}`, name].find((key) => NAMES[key] !== undefined) ?? "";
		unused.delete(key);
		const option = NAMES[key];
		if (option === null) return false;
		return !known.includes(option ?? name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`));
	});
	expect(missing).toEqual([]);
});

it("no other name is noted that nothing has", () => {
	expect([...unused]).toEqual([]);
});
