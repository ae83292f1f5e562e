// Descriptions of fields and parameters that mean the same everywhere, for schemas that have none of their own.

/** By the name of a field. A schema's own description comes first. */
const FIELD_TEXTS: Readonly<Record<string, string>> = {
	id: "The id of the object.",
	object: "The type of the object.",
	projectId: "The project that it belongs to.",
	webhookId: "The webhook.",
	eventId: "The event.",
	eventType: "The type of the event.",
	deliveryId: "The delivery.",
	name: "Its name.",
	createDate: "When it was created. Milliseconds since the epoch.",
	updateDate: "When it last changed. Milliseconds since the epoch.",
	description: "Your own note; null if there is none.",
	metadata: "Your own keys and values. Fanfare does not use them.",
	spec: "The settings of the webhook.",
	perSecond: "The largest number of attempts per second.",
	issues: "The problems in the request. Present only if it was not valid.",
	message: "What is wrong, and what to do, as a sentence.",
	attemptCount: "The number of attempts so far.",
	number: "Counts the attempts of the delivery, from 1.",
	trigger: "What has caused the attempt: `auto`, the schedule; `manual`, a retry by hand; `replay`, a replay.",
	kind: "Tells the kinds of items apart.",
	Pending: "Deliveries that wait for their next attempt, or are in progress.",
	Held: "Deliveries that wait because their webhook is paused or disabled.",
	Succeeded: "Deliveries to which the receiver has responded with a 2xx.",
	Failed: "Deliveries that have used up their retries, or got a 410.",
	Cancelled: "Deliveries that were cancelled by a call, or with their webhook.",
};

/** By the name of a parameter in a path. */
const PATH_PARAMETER_TEXTS: Readonly<Record<string, { readonly description: string; readonly example: string }>> = {
	projectId: { description: "The id of the project.", example: "proj_ca5fe71e7592bbcf7705ea36e4f29ed4" },
	webhookId: { description: "The id of the webhook.", example: "webhook_f7d8aec2-7e2b-4d2c-a103-c8dd575c29c7" },
	eventId: { description: "The id of the event.", example: "evt_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77" },
	deliveryId: { description: "The id of the delivery.", example: "dlv_01936a2e-5c3b-7c10-8000-3b2f5d1e9a78" },
	replayId: { description: "The id of the replay.", example: "replay_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77" },
	relayId: { description: "The id of the relay.", example: "relay_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77" },
	requestId: {
		description: "The `requestId` of the request, from the stream.",
		example: "dlv_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77.1",
	},
	keyId: {
		description: "The id of the key, which is not the key itself.",
		example: "key_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77",
	},
	eventType: { description: "The name of the event type.", example: "user.created" },
	portalSessionId: {
		description: "The id of the portal session.",
		example: "portal_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77",
	},
	customerId: { description: "The customer, by your own id of it.", example: "acme" },
};

/** The description and an example of a parameter in a path. Without a text of its own, the name is all that is known. */
export function pathParameterText(name: string): { readonly description?: string; readonly example?: string } {
	return PATH_PARAMETER_TEXTS[name] ?? {};
}

interface Describable {
	description?: string;
	readonly $ref?: string;
	readonly properties?: Readonly<Record<string, Describable>>;
}

/** Gives every field in the document that has no description the usual one of its name, if there is one. */
export function describeFields(part: unknown): void {
	if (typeof part !== "object" || part === null) return;
	for (const [name, field] of Object.entries((part as Describable).properties ?? {})) {
		if (typeof field !== "object" || field.$ref !== undefined || field.description !== undefined) continue;
		const text = FIELD_TEXTS[name];
		if (text !== undefined) field.description = text;
	}
	// Examples can have a field `properties`, too.
	for (const [name, inner] of Object.entries(part)) if (!/^examples?$/.test(name)) describeFields(inner);
}
