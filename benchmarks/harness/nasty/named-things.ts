// What the paths of the calls name: made once, so that only the bodies can be wrong.
import { utils } from "@fanfare/sdk";

import type { BenchServer } from "../server/bench-server.ts";

/** The parameters that paths may have. */
export const PATH_PARAMETERS = [
	"projectId",
	"keyId",
	"webhookId",
	"eventType",
	"relayId",
	"requestId",
	"customerId",
] as const;

export type NamedThings = Readonly<Record<(typeof PATH_PARAMETERS)[number], string>>;

/** Nobody listens there, so an attempt ends at once. */
const ENDPOINT = "http://127.0.0.1:1/";
/** No event has this type: nothing is delivered. */
const NEVER_SENT = ["never.sent"];

/** Makes a thing of each kind. */
export async function makeNamedThings({ client }: BenchServer): Promise<NamedThings> {
	const { id: projectId, batch, eventTypes, relays } = await client.projects.create({ name: "nasty" });
	const spec = { endpoint: ENDPOINT, eventTypes: NEVER_SENT };
	const secret = utils.generateWebhookSecret();
	return {
		projectId,
		keyId: (await client.keys.create({ name: "nasty", scope: "read", projectId })).id,
		webhookId: (await batch.webhooks.create({ name: "nasty", spec })).id,
		eventType: (await eventTypes.create({ name: "nasty.type" })).name,
		relayId: (await relays.put({ device: "nasty", secret, eventTypes: NEVER_SENT })).id,
		requestId: "dlv_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77.1",
		customerId: "nasty-customer",
	};
}

/** A path of the document with the names of things. Throws if there is no thing of the kind that it names. */
export function pathOf(path: string, things: Readonly<Record<string, string>>): string {
	return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
		const thing = things[name];
		if (thing === undefined) throw new Error(`named-things.ts makes nothing that {${name}} in ${path} could name`);
		return thing;
	});
}
