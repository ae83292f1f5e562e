// The conformance check of a webhook.
import { CHECKS_BY_SERVER } from "../../../core/conformance/checks.ts";
import { invalidRequest } from "../../../core/errors.ts";
import { MAX_EVENT_BYTES } from "../../../core/event.ts";
import type { ConformanceAsked } from "../../../engine/webhook-test.ts";
import { validate } from "../../request/body/validate.ts";
import { json, keyWith, route, type BodyRule } from "../../request/route.ts";
import { conformanceSchema, conformWebhookSchema } from "./conform-schemas.ts";

const NAMES = CHECKS_BY_SERVER.map(({ name }) => name);

/** Optional, as that of a test. The data is kept as it was written. */
const conformBody: BodyRule<ConformanceAsked> = {
	schema: conformWebhookSchema,
	example: {},
	maxBytes: MAX_EVENT_BYTES,
	optional: true,
	read({ text, value, members }) {
		const { eventType = null, checks = null, burst = null, slowMs = null } = validate(conformWebhookSchema, value);
		const unknown = checks?.findIndex((name) => !NAMES.includes(name)) ?? -1;
		if (unknown !== -1) {
			const message = `is not the name of a check: they are ${NAMES.join(", ")}`;
			throw invalidRequest([{ path: `checks.${unknown}`, message }]);
		}
		const span = members.find(({ name }) => name === "data");
		const written = span === undefined ? "null" : text.slice(span.start, span.end);
		return { eventType, dataJson: written === "null" ? null : written, checks, burst, slowMs };
	},
};

export const conformRoutes = [
	route({
		id: "conformWebhook",
		tag: "Webhooks",
		method: "post",
		path: "/projects/{projectId}/batch/webhooks/{webhookId}:conform",
		audit: "webhook.conform",
		access: keyWith("write"),
		summary: "Check a webhook's receiver",
		description:
			"Sends about forty requests, valid and invalid ones, signed with the webhook's secret, and says of each defect of the receiver what to " +
			"do, such as that it accepts a body that was changed. The receiver handles the valid ones as real events, so check one that is for " +
			"tests. They are outside the queue, the log and the stats. Takes up to a minute; one webhook of a project can be checked at a time, " +
			"and another call is a 503 meanwhile.",
		body: conformBody,
		answers: { 200: { description: "What was found out.", schema: conformanceSchema } },
		async handle({ deps, change, params, body }) {
			return json({ object: "conformance", ...(await deps.engine.webhooks.conform(change, params.webhookId, body)) });
		},
	}),
];
