// The changes that make a project as a file describes it, in the order in which they are made.
import type { Client, EventType, Project, ProjectHandle, UpdateWebhook, Webhook, WebhookSpec } from "@fanfare/sdk";

import { usageError } from "../../frame/failure.ts";
import { withExactNumbers } from "../event-types/event-types.ts";
import {
	areOtherHeaders,
	eventTypeChanges,
	isOtherSecret,
	projectChanges,
	webhookChanges,
	type FieldChange,
} from "./compare.ts";
import { FILE_MARK, HEADERS_MARK, type Desired, type DesiredWebhook, type Locate, type Path } from "./desired.ts";
import { digestOf } from "./header-digest.ts";

/** Fields of a webhook that calls of their own change. */
const STEPS_OF_THEIR_OWN: ReadonlySet<string> = new Set(["paused", "secret"]);

/** A change to make. */
export interface Change {
	readonly action: "create" | "update" | "delete";
	readonly kind: "project" | "event type" | "webhook";
	/** The key of a webhook, the name of an event type, the id of the project. */
	readonly key: string;
	/** Further information for people; null if there is none. */
	readonly about: string | null;
	readonly fields: readonly FieldChange[];
	/** Where the file asks for it. */
	readonly path: Path;
	/** Whether it takes several calls, so that some can have been made when one fails. */
	readonly inSteps: boolean;
	readonly make: () => Promise<unknown>;
}

/** The changes that the file asks for, and how much it leaves as it is. */
export interface Plan {
	readonly project: Project;
	readonly changes: readonly Change[];
	readonly unchanged: number;
	/** Webhooks that the file has made, and does not name any more, but that stay without `--prune`. */
	readonly stale: number;
}

/** The project as it is. */
export interface Standing {
	readonly project: Project;
	/** With exact numbers; may be empty if the file names none. */
	readonly eventTypes: readonly EventType[];
}

/** Compares a file with the project as it is. Changes nothing. */
export async function makePlan(
	client: Client,
	handle: ProjectHandle,
	{ project, eventTypes }: Standing,
	desired: Desired,
	locate: Locate,
	prune: boolean,
): Promise<Plan> {
	const changes: Change[] = [];
	changes.push(...planEventTypes(handle, eventTypes, desired));
	for (const webhook of desired.webhooks) changes.push(...(await planWebhook(handle, desired.id, webhook, locate)));
	// After the event types: a catalogued project refuses the events of others.
	changes.push(...planProject(client, project, desired));
	const things =
		desired.eventTypes.length + desired.webhooks.length + (Object.keys(desired.project).length > 0 ? 1 : 0);
	const stale = await staleWebhooks(handle, desired);
	const unchanged = things - changes.length;
	if (prune) changes.push(...stale.map((webhook) => planDeletion(handle, webhook)));
	return { project, changes, unchanged, stale: prune ? 0 : stale.length };
}

function planEventTypes(handle: ProjectHandle, types: readonly EventType[], { eventTypes }: Desired): Change[] {
	const standing = new Map(types.map((type) => [type.name, type]));
	return eventTypes.flatMap(({ name, ...settings }): Change[] => {
		const actual = standing.get(name);
		const change = { kind: "event type", key: name, about: null, path: ["eventTypes", name], inSteps: false } as const;
		if (actual === undefined)
			return [{ ...change, action: "create", fields: [], make: () => handle.eventTypes.create({ name, ...settings }) }];
		const fields = eventTypeChanges(settings, actual);
		const { revision } = actual;
		return fields.length === 0
			? []
			: [
					{
						...change,
						action: "update",
						fields,
						make: () =>
							orMade(handle.eventTypes.update(name, { ...onlyOf(settings, fields), revision }), async () => {
								const now = withExactNumbers(await handle.eventTypes.getAsText(name));
								return eventTypeChanges(settings, now).length === 0;
							}),
					},
				];
	});
}

function planProject(client: Client, project: Project, desired: Desired): Change[] {
	const fields = projectChanges(desired.project, project);
	if (fields.length === 0) return [];
	const { revision = 1 } = project;
	const make = () =>
		orMade(client.projects.update(project.id, { ...onlyOf(desired.project, fields), revision }), async () => {
			const now = await client.projects.get(project.id);
			return projectChanges(desired.project, now).length === 0;
		});
	const about = project.name;
	const path = ["project"] as const;
	return [{ action: "update", kind: "project", key: project.id, about, fields, path, inSteps: false, make }];
}

/**
 * The answer to a change can be lost. The SDK repeats it then, and is told that the revision is another one: its own. So a conflict is
 * none if everything is as it should be.
 */
async function orMade(change: Promise<unknown>, isMade: () => Promise<boolean>): Promise<void> {
	try {
		await change;
	} catch (error) {
		// By now, it is loaded: no command loads it before it runs.
		const { ConflictError } = await import("@fanfare/sdk");
		const isConflict = error instanceof ConflictError && error.code === "revision_conflict";
		// If nobody can look, the conflict is what there is to say.
		if (!isConflict || !(await isMade().catch(() => false))) throw error;
	}
}

/**
 * The settings that differ. What stays is not sent: the server can refuse today what it has stored, such as a name with characters that it
 * took earlier.
 */
function onlyOf<Settings extends object>(settings: Settings, fields: readonly FieldChange[]): Partial<Settings> {
	const names = new Set(fields.map(({ name }) => name));
	return Object.fromEntries(Object.entries(settings).filter(([name]) => names.has(name))) as Partial<Settings>;
}

async function planWebhook(
	handle: ProjectHandle,
	fileId: string,
	desired: DesiredWebhook,
	locate: Locate,
): Promise<Change[]> {
	const { key } = desired;
	const path = ["webhooks", key] as const;
	const { data } = await handle.batch.webhooks.list({ key, limit: 1 });
	const [actual] = data;
	if (actual === undefined) return [planCreation(handle, fileId, desired, locate)];
	if (desired.customer !== undefined && desired.customer !== actual.customerId) {
		const place = locate([...path, "customer"]);
		throw usageError(
			`${place}: webhooks.${key}: the customer of a webhook can't be changed: it is ${actual.customerId ?? "none"}. Give the new one another key.`,
		);
	}
	const { [FILE_MARK]: mark, [HEADERS_MARK]: digest, ...own } = actual.metadata;
	const fields = webhookChanges(desired, actual, own);
	if (fields.length === 0) return [];
	const marks = {
		...(mark !== undefined && { [FILE_MARK]: mark }),
		...(digest !== undefined && { [HEADERS_MARK]: digest }),
	};
	const inSteps = fields.some(({ name }) => STEPS_OF_THEIR_OWN.has(name));
	const make = () =>
		updateWebhook(handle, desired, actual, { own, marks, isNew: fields.some(({ name }) => name === "metadata") });
	return [{ action: "update", kind: "webhook", key, about: actual.name, fields, path, inSteps, make }];
}

function planCreation(handle: ProjectHandle, fileId: string, desired: DesiredWebhook, locate: Locate): Change {
	const { key, name = key, endpoint, customer: customerId, secret, paused } = desired;
	const path = ["webhooks", key] as const;
	const needs = endpoint === undefined ? "endpoint" : secret === undefined ? "secret" : null;
	if (needs !== null || endpoint === undefined) {
		const how = needs === "secret" ? ": { env: NAME } or { file: path }; `fanfare generate-secret` makes one" : "";
		throw usageError(
			`${locate(path)}: webhooks.${key}: there is no webhook with this key yet, and a new one needs ${needs ?? ""}${how}`,
		);
	}
	const metadata = metadataOf(desired, { own: {}, marks: { [FILE_MARK]: fileId }, isNew: true }, true);
	const spec: WebhookSpec = { endpoint, secret, ...specOf(desired), ...metadata };
	const make = async () => {
		const { id } = await handle.batch.webhooks.create({ name, key, customerId, spec });
		if (paused === true) await handle.batch.webhooks.pause(id);
	};
	return { action: "create", kind: "webhook", key, about: endpoint, fields: [], path, inSteps: paused === true, make };
}

interface Metadata {
	readonly own: Readonly<Record<string, string>>;
	readonly marks: Readonly<Record<string, string>>;
	/** Whether the file asks for other metadata than the webhook has. */
	readonly isNew: boolean;
}

async function updateWebhook(
	handle: ProjectHandle,
	desired: DesiredWebhook,
	actual: Webhook,
	metadata: Metadata,
): Promise<void> {
	const { webhooks } = handle.batch;
	const { id, revision } = actual;
	const { name, endpoint, secret, paused } = desired;
	const hasNewHeaders = areOtherHeaders(desired, actual);
	const { headers: _, description, ...settings } = specOf(desired);
	// Texts that stay are not sent: see `onlyOf`.
	const spec = {
		...(endpoint !== undefined && { endpoint }),
		...settings,
		...(description !== actual.description && { description }),
		...(hasNewHeaders && { headers: desired.headers }),
		...((metadata.isNew || hasNewHeaders) && metadataOf(desired, metadata, hasNewHeaders)),
	};
	const changes: UpdateWebhook = { spec, ...(name !== actual.name && { name }) };
	const ownFields = webhookChanges(desired, actual, metadata.own).filter(
		({ name: field }) => !STEPS_OF_THEIR_OWN.has(field),
	);
	/** Is refused if somebody else has changed the webhook since the plan was made. */
	const expectAsPlanned = () => webhooks.update(id, { spec: {}, revision });
	let [status, known] = [actual.status, revision];
	// Before anything that makes it send: what it sends must go where the file says, as the file says.
	if (paused === true && status !== "Paused") {
		await expectAsPlanned();
		const now = await webhooks.pause(id);
		// Somebody was faster by a moment.
		if (contentOf(now) !== contentOf(actual)) await expectAsPlanned();
		[status, known] = [now.status, now.revision];
	} else if (ownFields.length === 0) await expectAsPlanned();
	if (ownFields.length > 0) {
		await orMade(webhooks.update(id, { ...changes, revision: known }), async () => {
			const now = await webhooks.get(id);
			const { [FILE_MARK]: _mark, [HEADERS_MARK]: _digest, ...own } = now.metadata;
			const left = webhookChanges(desired, now, own).filter(({ name: field }) => !STEPS_OF_THEIR_OWN.has(field));
			return left.length === 0 && now.status === status && now.secretHint === actual.secretHint;
		});
	}
	if (secret !== undefined && isOtherSecret(desired, actual)) await webhooks.updateSecret(id, secret);
	if (paused === false && actual.status === "Paused") await webhooks.resume(id);
}

/** What a pause does not change of a webhook, to be compared. */
function contentOf({
	name,
	endpoint,
	eventTypes,
	description,
	metadata,
	headers,
	secretHint,
	...rest
}: Webhook): string {
	const { timeoutMs, rateLimit, disableAfterMs, retries } = rest;
	const texts = [name, endpoint, description, secretHint, [...(eventTypes ?? [])].toSorted(), eventTypes === null];
	const maps = [metadata, headers].map((map) =>
		Object.entries(map).toSorted(([one], [other]) => (one < other ? -1 : 1)),
	);
	return JSON.stringify([texts, maps, timeoutMs, rateLimit, disableAfterMs, retries]);
}

/** The metadata, with our marks. */
function metadataOf(
	{ metadata, headers }: DesiredWebhook,
	{ own, marks }: Metadata,
	hasNewHeaders: boolean,
): Pick<WebhookSpec, "metadata"> {
	const digest =
		hasNewHeaders && headers !== undefined && Object.keys(headers).length > 0
			? { [HEADERS_MARK]: digestOf(headers) }
			: {};
	return { metadata: { ...(metadata ?? own), ...marks, ...digest } };
}

/** The settings that the file names, and no others. */
function specOf(desired: DesiredWebhook): Omit<Partial<WebhookSpec>, "secret" | "endpoint"> {
	const { eventTypes, description, headers, timeout, rateLimit, disableAfter, maxRetries, maxRetryDelay, schedule } =
		desired;
	const retries = {
		...(maxRetries !== undefined && { maxRetries }),
		...(maxRetryDelay !== undefined && { maxRetryDelay }),
		...(schedule !== undefined && { scheduleMs: schedule }),
	};
	return {
		...(eventTypes !== undefined && { eventTypes }),
		...(description !== undefined && { description }),
		...(headers !== undefined && { headers }),
		...(timeout !== undefined && { timeoutMs: timeout }),
		...(rateLimit !== undefined && { rateLimit: rateLimit === null ? null : { perSecond: rateLimit } }),
		...(disableAfter !== undefined && { disableAfterMs: disableAfter }),
		...(Object.keys(retries).length > 0 && { retries }),
	};
}

/** The webhooks that this file has made, and does not name any more. */
async function staleWebhooks(handle: ProjectHandle, { id, webhooks }: Desired): Promise<Webhook[]> {
	const named = new Set(webhooks.map(({ key }) => key));
	const stale: Webhook[] = [];
	for await (const webhook of handle.batch.webhooks.list({ metadata: { [FILE_MARK]: id } })) {
		if (webhook.key === undefined || !named.has(webhook.key)) stale.push(webhook);
	}
	return stale;
}

function planDeletion(handle: ProjectHandle, { id, key, name, deliveries }: Webhook): Change {
	const waiting = deliveries.Pending + deliveries.Held;
	const about = waiting === 0 ? name : `${name}; ${waiting} waiting deliveries are cancelled`;
	return {
		action: "delete",
		kind: "webhook",
		key: key ?? id,
		about,
		fields: [],
		path: [],
		inSteps: false,
		make: () => handle.batch.webhooks.delete(id),
	};
}
