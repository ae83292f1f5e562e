// What a customer's token without the capability `payloads.read` sees: that there were payloads and answers, and nothing of them. Every
// call that is for customers is made, so that a new one is covered by itself.
import { describe, expect, it, onTestFinished } from "vitest";

import { CAPABILITIES } from "../../core/access/principal.ts";
import { eventually, openTestEngine } from "../../engine/test/test-engine.ts";
import { exportOpenApiDocument } from "../documents/exported.ts";
import { apiRoutes } from "../resources/table.ts";
import { testApiOn } from "../test/test-api.ts";

const PAYLOAD = "payload-of-an-event";
const BODY = "body-of-an-answer";
const HEADER = "header-of-an-answer";

/** A customer with a webhook, and a delivery that has failed; `ids` by the names of path parameters. */
async function prepare() {
	const test = await openTestEngine({
		beforeSend: () => ({
			responseCode: 500,
			error: null,
			reason: null,
			detail: null,
			cause: null,
			connection: null,
			durationMs: 7,
			firstByteMs: 3,
			response: { headers: { "x-answer": HEADER }, body: BODY, bodyTruncated: false },
		}),
	});
	onTestFinished(() => test[Symbol.asyncDispose]());
	const api = await testApiOn(test, test.engine.projects.get(test.scope));
	const { id: webhookId } = await test.createWebhook("http://127.0.0.1:9/", {
		customerId: "acme",
		retries: { maxRetries: 0, maxBackoffMs: 0 },
	});
	const eventId = await test.send({ customers: "acme", dataJson: JSON.stringify({ text: PAYLOAD }) });
	const { id: deliveryId } = await test.delivery(eventId, { status: "Failed" });
	const range = { since: 0, until: null, outcomes: ["Failed"], eventTypes: null } as const;
	const { id: replayId } = await test.engine.replays.start(test.change, webhookId, range);
	const settings = { description: null, schemaJson: null, exampleJson: null, archived: false };
	await test.engine.eventTypes.create(test.change, "user.created", settings);
	const ids: Record<string, string> = {
		projectId: test.projectId,
		customerId: "acme",
		eventType: "user.created",
		webhookId,
		eventId,
		deliveryId,
		replayId,
	};
	return { ...api, test, ids };
}

/** Every route that is for customers, those that delete something last. */
const ROUTES = apiRoutes()
	.filter(({ access }) => access !== null && access.customers !== null)
	.toSorted((a, b) => Number(a.method === "delete") - Number(b.method === "delete"));

async function makeEveryCall(capabilities: typeof CAPABILITIES | readonly (typeof CAPABILITIES)[number][]) {
	const { app, tokenOf, ids, test } = await prepare();
	const token = await tokenOf("acme", capabilities);
	const { paths = {} } = exportOpenApiDocument("test");
	const answers: Record<string, { readonly status: number; readonly text: string }> = {};
	for (const { id, method, path } of ROUTES) {
		const body = paths[path]?.[method]?.requestBody;
		const example: unknown = body !== undefined && "content" in body ? body.content["application/json"]?.example : {};
		const bodies: Record<string, object> = {
			replayWebhook: { since: 1 },
			createReplays: { since: 1, webhookIds: [ids["webhookId"]] },
		};
		const queries: Record<string, string> = {
			getStatsOfWebhooks: `?ids=${ids["webhookId"]}`,
			testWebhook: "?exchange=true",
		};
		const url = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? name) + (queries[id] ?? "");
		const answering = app.request(url, {
			method: method.toUpperCase(),
			headers: { "secret-key": token, "content-type": "application/json" },
			...(method !== "get" && { body: JSON.stringify(bodies[id] ?? example) }),
		});
		let response: Response | null = null;
		void Promise.resolve(answering).then((answer) => (response = answer));
		response = await eventually(`the answer to ${id}`, () => {
			// A test of a webhook waits between its attempts.
			test.clock.advance(1_000);
			return response;
		});
		const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
		if (isStream) await response.body?.cancel();
		answers[id] = { status: response.status, text: isStream ? "" : await response.text() };
		await eventually("no attempt is under way", () => test.engine.gauges().inFlightAttempts === 0);
	}
	return answers;
}

describe("without the capability payloads.read", () => {
	it("no answer shows a payload, or what a receiver has answered", async () => {
		const answers = await makeEveryCall(CAPABILITIES.filter((capability) => capability !== "payloads.read"));
		for (const [id, { text }] of Object.entries(answers)) {
			for (const hidden of [PAYLOAD, BODY, HEADER])
				expect([id, text]).toEqual([id, expect.not.stringContaining(hidden)]);
		}
		expect(JSON.parse(answers["getEvent"]?.text ?? "")).toMatchObject({
			data: null,
			dataHidden: true,
			dataErased: false,
		});
		expect(JSON.parse(answers["getDelivery"]?.text ?? "")).toMatchObject({
			attempts: [{ responseCode: 500, response: { headers: {}, body: "", bodyTruncated: true } }],
		});
		expect(JSON.parse(answers["testWebhook"]?.text ?? "")).toMatchObject({ responseCode: 500, body: null });
		// Nothing is hidden because a call has failed.
		const refused = Object.entries(answers).filter(([, { status }]) => status >= 400 && status !== 409);
		expect(refused.map(([id]) => id)).toEqual(
			ROUTES.filter(({ access }) => access?.customers === "payloads.read").map(({ id }) => id),
		);
	});

	it("they are shown with it, by the calls that show them to keys", async () => {
		const answers = await makeEveryCall(CAPABILITIES);
		const showing = (text: string) => Object.keys(answers).filter((id) => answers[id]?.text.includes(text) === true);
		expect(showing(PAYLOAD)).toEqual(expect.arrayContaining(["getEvent", "getEventData"]));
		expect(showing(BODY)).toEqual(expect.arrayContaining(["getDelivery", "listAttempts", "testWebhook"]));
		expect(showing(HEADER)).toEqual(expect.arrayContaining(["getDelivery", "listAttempts", "testWebhook"]));
	});
});
