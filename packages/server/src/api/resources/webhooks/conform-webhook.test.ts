// The conformance check of a webhook over HTTP.
import { startReceiver } from "@fanfare/testkit/receiver";
import { expect, it } from "vitest";

import { expectRefusals } from "../../test/answers.ts";
import { caller } from "../../test/caller.ts";

it("answers what it has found, keeps it out of log and stats, and is in the audit log", async () => {
	await using receiver = await startReceiver();
	const { call, makeWebhook } = await caller();
	const id = await makeWebhook(receiver.url);
	const path = `./batch/webhooks/${id}:conform`;
	const { status, json } = await call("POST", path, { checks: ["stale"], data: { n: 1 } });
	expect([status, json]).toMatchObject([
		200,
		{
			object: "conformance",
			conforms: false,
			endedEarly: null,
			requestCount: 2,
			checks: [{}, {}, {}, { name: "stale", result: "failed" }],
		},
	]);
	expect(String(receiver.requests[0]?.rawBody)).toContain('"data":{"n":1}');
	expect((await call("GET", "./deliveries")).json["data"]).toEqual([]);
	const stats = (await call("GET", `./batch/webhooks/${id}/stats`)).json;
	expect(stats["totals"]).toMatchObject({ attempts: { succeeded: 0, failed: 0 } });
	const [entry] = (await call("GET", "/workspace/audit?limit=1")).json["data"] as object[];
	expect(entry).toMatchObject({ action: "webhook.conform", objectId: id });
});

it("is refused with checks that there are none of, and with values beyond its limits", async () => {
	const api = await caller();
	const rows: readonly [body: object, path: string, message: RegExp][] = [
		[{ checks: ["nothing"] }, "checks.0", /is not the name of a check: they are reachable,/],
		[{ checks: ["stale", "header_case"] }, "checks.1", /is not the name of a check/],
		[{ checks: [] }, "checks", /1/],
		[{ burst: 51 }, "burst", /50/],
		[{ slowMs: 0 }, "slowMs", /1/],
		[{ eventType: "fanfare.own", data: 1 }, "eventType", /reserved/],
		[{ timeoutMs: 1 }, "timeoutMs", /./],
	];
	const conform = `POST ./batch/webhooks/${await api.makeWebhook()}:conform`;
	await expectRefusals(
		api,
		rows.map(([body, ...said]) => [conform, ...said, body]),
	);
});
