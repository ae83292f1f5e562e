// Every setting of a webhook goes through the API: creating, updating, setting its default, and the responses. The table is complete
// by its type, so that a new setting must be added here.
import type { z } from "@hono/zod-openapi";
import { expect, it } from "vitest";

import type { Webhook } from "../../../core/webhook.ts";
import type { WebhookSettings } from "../../../engine/webhook-settings.ts";
import { caller } from "../../test/caller.ts";
import type { UpdateWebhook, webhookSchema } from "./schemas.ts";

/** The settings that have a default. */
type Setting = Exclude<
	keyof WebhookSettings | keyof NonNullable<UpdateWebhook["spec"]>,
	"name" | "endpoint" | "secret"
>;

interface Values {
	readonly sent: unknown;
	/** As responses show it. The same as `sent` if omitted. */
	readonly shown?: unknown;
	readonly byDefault: unknown;
}

const SETTINGS: Readonly<Record<Setting, Values>> = {
	retries: {
		sent: { scheduleMs: [5, 6], maxBackoffMs: 7 },
		shown: { maxRetries: 2, maxBackoffMs: 7, scheduleMs: [5, 6] },
		byDefault: { maxRetries: 17, maxBackoffMs: 28_800_000 },
	},
	description: { sent: "d", byDefault: null },
	eventTypes: { sent: ["order.*"], byDefault: null },
	headers: { sent: { "X-Tenant": "1" }, shown: { "x-tenant": "***" }, byDefault: {} },
	timeoutMs: { sent: 1_000, byDefault: 15_000 },
	rateLimit: { sent: { perSecond: 7 }, byDefault: null },
	disableAfterMs: { sent: 0, byDefault: 432_000_000 },
	metadata: { sent: { team: "a" }, byDefault: {} },
};

const endpoint = "https://example.com/hook";

it("each can be set in a new webhook, and be updated, and null sets its default", async () => {
	for (const [setting, { sent, shown = sent, byDefault }] of Object.entries(SETTINGS)) {
		const { call, get, makeWebhook } = await caller();
		const { json } = await call("POST", "./batch/webhooks", { name: "a", spec: { endpoint, [setting]: sent } });
		expect(json).toMatchObject({ [setting]: shown });
		// The list comes from the store.
		expect((await get("./batch/webhooks")).json["data"]).toEqual([json]);
		const path = `./batch/webhooks/${await makeWebhook(endpoint)}`;
		const update = async (value: unknown) => (await call("PATCH", path, { spec: { [setting]: value } })).json[setting];
		expect((await get(path)).json[setting]).toEqual(byDefault);
		expect(await update(sent)).toEqual(shown);
		expect(await update(null)).toEqual(byDefault);
		const created = await call("POST", "./batch/webhooks", { name: "a", spec: { endpoint, [setting]: null } });
		expect(created.json[setting]).toEqual(byDefault);
	}
});

/** The fields of a webhook that responses lack, without those that they show in another form. */
type NotShown = Exclude<keyof Webhook, keyof z.infer<typeof webhookSchema> | "headerNames">;

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- it exists for its type: the compiler's error names the field
const none = <_Field extends never>() => true;

it("responses have every field of a webhook", () => {
	expect(none<NotShown>()).toBe(true);
});
