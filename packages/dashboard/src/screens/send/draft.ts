// What is typed into the form that sends an event, and the call that it becomes.
import type { EventToSend, EventTypeAsText } from "@fanfare/sdk";

import { prettyText } from "../../parts/code/json-tokens.ts";
import { readJson, type JsonText } from "../../parts/json/exact-json.ts";

/** For whom an event can be. */
export const AUDIENCES = ["nobody", "customers", "all"] as const;
export type Audience = (typeof AUDIENCES)[number];

export interface Draft {
	readonly type: string;
	/** The data, as JSON. */
	readonly text: string;
	readonly audience: Audience;
	/** Read only if the audience is `customers`. */
	readonly customerIds: readonly string[];
	readonly tags: readonly string[];
	/** Empty for all webhooks that want it. */
	readonly webhookIds: readonly string[];
}

export const EMPTY: Draft = {
	type: "",
	text: "{\n  \n}",
	audience: "nobody",
	customerIds: [],
	tags: [],
	webhookIds: [],
};

/** The fields of the form, by the paths that the server uses in its objections. */
export const PATHS = ["type", "data", "customerId", "customerIds", "tags", "webhookIds"] as const;

/** The example of a type as text; null if it has none. */
export function exampleText(type: EventTypeAsText | undefined): string | null {
	if (type === undefined || type.exampleText === null) return null;
	return prettyText(type.exampleText);
}

export function toEvent(draft: Draft, json: JsonText, idempotencyKey: string): EventToSend<string, unknown> {
	const { type, audience, customerIds, tags, webhookIds } = draft;
	return {
		type: type.trim(),
		data: json.value,
		idempotencyKey,
		...(audience === "all" && { customerIds: "*" }),
		...(audience === "customers" && { customerIds }),
		...(tags.length > 0 && { tags }),
		...(webhookIds.length > 0 && { webhookIds }),
	};
}

/** What is wrong before the server is asked. */
export function errorsOf(draft: Draft): Partial<Record<keyof Draft, string>> {
	const { error } = readJson(draft.text);
	return {
		...(draft.type.trim() === "" && { type: "What has happened? For example order.paid" }),
		...(error !== undefined && { text: error.message }),
		...(draft.audience === "customers" && draft.customerIds.length === 0 && { customerIds: "Name a customer." }),
	};
}
