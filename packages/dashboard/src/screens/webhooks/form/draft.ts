// What is typed into the form of a webhook, as text, and the call that it becomes.
import type { CreateWebhook, UpdateWebhook, Webhook } from "@fanfare/sdk";

import { parseDuration, writeDuration } from "../../../parts/form/duration.ts";

export interface Draft {
	readonly endpoint: string;
	readonly name: string;
	readonly customerId: string;
	readonly description: string;
	/** Empty for all types. */
	readonly eventTypes: readonly string[];
	readonly maxRetries: string;
	readonly maxRetryDelay: string;
	readonly timeout: string;
	/** Attempts per second; empty for no limit. */
	readonly perSecond: string;
	readonly disableAfter: string;
	/** `Name: value` in each line. On an existing webhook, empty for no change. */
	readonly headers: string;
}

/** The fields of the form, by the path that the server uses in its objections. */
export const PATHS: Readonly<Record<keyof Draft, string>> = {
	endpoint: "spec.endpoint",
	name: "name",
	customerId: "customerId",
	description: "spec.description",
	eventTypes: "spec.eventTypes",
	maxRetries: "spec.retries.maxRetries",
	maxRetryDelay: "spec.retries.maxRetryDelay",
	timeout: "spec.timeoutMs",
	perSecond: "spec.rateLimit",
	disableAfter: "spec.disableAfterMs",
	headers: "spec.headers",
};

export const LABELS: Readonly<Record<keyof Draft, string>> = {
	endpoint: "Endpoint URL",
	name: "Name",
	customerId: "Customer",
	description: "Description",
	eventTypes: "Event types",
	maxRetries: "Retries",
	maxRetryDelay: "Longest wait",
	timeout: "Time limit",
	perSecond: "Attempts per second",
	disableAfter: "Disable after",
	headers: "Headers",
};

/** The name of the form that edits a webhook, by which it finds what could not be saved. */
export function editOfWebhook(webhookId: string): string {
	return `webhook ${webhookId}`;
}

export const NEW: Draft = {
	endpoint: "",
	name: "",
	customerId: "",
	description: "",
	eventTypes: [],
	maxRetries: "17",
	maxRetryDelay: "8h",
	timeout: "15s",
	perSecond: "",
	disableAfter: "5d",
	headers: "",
};

export function draftOf(webhook: Webhook): Draft {
	return {
		endpoint: webhook.endpoint,
		name: webhook.name,
		customerId: webhook.customerId ?? "",
		description: webhook.description ?? "",
		eventTypes: webhook.eventTypes ?? [],
		maxRetries: String(webhook.retries.maxRetries),
		maxRetryDelay: writeDuration(webhook.retries.maxRetryDelay),
		timeout: writeDuration(webhook.timeoutMs),
		perSecond: webhook.rateLimit === null ? "" : String(webhook.rateLimit.perSecond),
		disableAfter: writeDuration(webhook.disableAfterMs),
		headers: "",
	};
}

export type Errors = Partial<Record<keyof Draft, string>>;

/** What can be seen to be wrong without asking the server. */
export function errorsOf(draft: Draft): Errors {
	const durationError = (text: string) =>
		parseDuration(text) === null ? "Write a duration such as 30s, 15min, 8h or 5d." : undefined;
	const isWhole = (text: string) => /^\d+$/.test(text.trim());
	return {
		endpoint: draft.endpoint.trim() === "" ? "Where should events go?" : undefined,
		maxRetries: isWhole(draft.maxRetries) ? undefined : "Write a whole number.",
		maxRetryDelay: durationError(draft.maxRetryDelay),
		timeout: durationError(draft.timeout),
		disableAfter: durationError(draft.disableAfter),
		perSecond:
			draft.perSecond.trim() === "" || Number(draft.perSecond) > 0 ? undefined : "Write a number, or leave it empty.",
		headers: headersOf(draft.headers) === null ? "Write one header a line, as Name: value." : undefined,
	};
}

/** The name that a webhook gets if none was typed: the host. */
export function nameFor({ name, endpoint }: Draft): string {
	if (name.trim() !== "") return name.trim();
	return URL.canParse(endpoint.trim()) ? new URL(endpoint.trim()).host : endpoint.trim().slice(0, 128);
}

export function toCreate(draft: Draft, secret: string): CreateWebhook {
	const customerId = draft.customerId.trim();
	return {
		name: nameFor(draft),
		...(customerId !== "" && { customerId }),
		spec: { ...specOf(draft), endpoint: draft.endpoint.trim(), secret },
	};
}

/** Only what was changed: what others change meanwhile stays as they have made it. */
export function toUpdate(webhook: Webhook, draft: Draft, before: Draft, revision: number): UpdateWebhook {
	const isChanged = (field: keyof Draft) => JSON.stringify(draft[field]) !== JSON.stringify(before[field]);
	const all = specOf(draft);
	// A number of retries ends a schedule, which the form does not show.
	const retries = { ...all.retries, ...(!isChanged("maxRetries") && { scheduleMs: webhook.retries.scheduleMs }) };
	const spec = {
		...(isChanged("endpoint") && { endpoint: draft.endpoint.trim() }),
		...(isChanged("description") && { description: all.description }),
		...(isChanged("eventTypes") && { eventTypes: all.eventTypes }),
		...((isChanged("maxRetries") || isChanged("maxRetryDelay")) && { retries }),
		...(isChanged("timeout") && { timeoutMs: all.timeoutMs }),
		...(isChanged("perSecond") && { rateLimit: all.rateLimit }),
		...(isChanged("disableAfter") && { disableAfterMs: all.disableAfterMs }),
		...(all.headers !== undefined && { headers: all.headers }),
	};
	return {
		revision,
		...(isChanged("name") && { name: nameFor(draft) }),
		...(Object.keys(spec).length > 0 && { spec }),
	};
}

function specOf(draft: Draft): Omit<CreateWebhook["spec"], "endpoint" | "secret"> {
	const headers = headersOf(draft.headers) ?? {};
	return {
		description: draft.description.trim() === "" ? null : draft.description.trim(),
		eventTypes: draft.eventTypes.length === 0 ? null : draft.eventTypes,
		retries: { maxRetries: Number(draft.maxRetries), maxRetryDelay: parseDuration(draft.maxRetryDelay) ?? 0 },
		timeoutMs: parseDuration(draft.timeout) ?? 0,
		rateLimit: draft.perSecond.trim() === "" ? null : { perSecond: Number(draft.perSecond) },
		disableAfterMs: parseDuration(draft.disableAfter) ?? 0,
		...(Object.keys(headers).length > 0 && { headers }),
	};
}

/** Null if a line is no header. */
function headersOf(text: string): Readonly<Record<string, string>> | null {
	const lines = text.split("\n").filter((line) => line.trim() !== "");
	const pairs = lines.map((line) => /^\s*([^:\s]+)\s*:\s*(.*?)\s*$/.exec(line));
	if (pairs.includes(null)) return null;
	return Object.fromEntries(pairs.flatMap((pair) => (pair === null ? [] : [[pair[1] ?? "", pair[2] ?? ""]])));
}
