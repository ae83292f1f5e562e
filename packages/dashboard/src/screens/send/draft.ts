// What is typed into the form that sends an event, and the call that it becomes.
import type { EventToSend, EventType } from "@fanfare/sdk";

import { jsonLines, MOST_COLORED } from "../../parts/code/json-tokens.ts";
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
export function exampleText(type: EventType | undefined): string | null {
	if (type === undefined || type.example === null) return null;
	return JSON.stringify(type.example, null, 2);
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

/** The same JSON with a line for each value. Texts that are large stay as they are. */
export function prettyText(text: string): string {
	const lines = text.length <= MOST_COLORED ? jsonLines(text) : null;
	return lines?.map((line) => line.map((token) => token.text).join("")).join("\n") ?? text;
}
