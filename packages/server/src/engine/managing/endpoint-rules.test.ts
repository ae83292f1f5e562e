// Which endpoints a webhook may have, and what its project learns about addresses that are not public.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { createAddressGuard } from "../../adapters/http/address-guard.ts";
import { customerScope } from "../../core/access/principal.ts";
import type { Change } from "../change.ts";
import { openTestEngine } from "../test/test-engine.ts";

const strict = createAddressGuard({ allowNetworks: [], allowHttp: true });

describe("an endpoint whose host has no dot", () => {
	it("can't be registered or changed to, but stays where it is registered already", async () => {
		const rules = { guard: createAddressGuard({ allowNetworks: ["10.0.0.0/8"], allowHttp: true }) };
		const guard = { ...strict, reject: (...endpoint: [string, string]) => rules.guard.reject(...endpoint) };
		await using test = await openTestEngine({ guard });
		const { id } = await test.createWebhook("http://intranet/hook");
		rules.guard = strict;
		const update = (endpoint: string) =>
			test.engine.webhooks.update(test.change, id, { endpoint, description: "changed" });
		// Some clients send the whole webhook with each update.
		expect(await update("http://intranet/hook")).toMatchObject({ description: "changed" });
		const refused = { code: "invalid_request", issues: [{ path: "spec.endpoint" }] };
		await expect(update("http://intranet/other")).rejects.toMatchObject(refused);
		await expect(test.createWebhook("http://intranet/hook")).rejects.toMatchObject(refused);
	});
});

describe("a name that resolves to an address that is not public", () => {
	it("is refused without telling the project the address, which the log has", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine({ guard: { ...strict, reject: () => null, rejectOrigin: () => null } });
		const retries = { maxRetries: 0, maxBackoffMs: 0 };
		const { id } = await test.createWebhook(`http://localhost:${receiver.port}/hook`, { retries });
		const told = /^the address of localhost is not a public address\. Only public/;
		const detail = /^localhost resolves to (127\.0\.0\.1|::1), a loopback address$/;

		const result = await test.engine.webhooks.test(test.change, id, null);
		expect(result).toMatchObject({ status: "Failed", responseCode: 0, reason: expect.stringMatching(told) });
		expect(JSON.stringify(result)).not.toMatch(/127\.0\.0\.1|::1|loopback/);
		expect(test.observer.notes).toContain("the test of a webhook failed");
		const facts = { projectId: test.projectId, webhookId: id, detail: expect.stringMatching(detail) };
		expect(test.observer.facts.at(-1)).toMatchObject(facts);

		const delivery = await test.delivery(await test.send(), { status: "Failed" });
		const kept = JSON.stringify([delivery, await test.attempts(delivery.id)]);
		expect(kept).toMatch(/is not a public address/);
		expect(kept).not.toMatch(/127\.0\.0\.1|::1|loopback/);
		expect(test.observer.attempts.at(-1)).toMatchObject({
			error: "blocked_address",
			detail: expect.stringMatching(detail),
		});
		expect(receiver.connectionCount).toBe(0);
	});
});

describe("an endpoint that only webhooks without a customer may have", () => {
	const message = (told: RegExp) => ({ issues: [{ path: "spec.endpoint", message: expect.stringMatching(told) }] });
	const setting = /Use https\. Webhooks without a customer may have .* with FANFARE_ALLOW_FOR_CUSTOMERS=true\.$/;

	it("is refused with the setting that allows it, which a customer's token is not told", async () => {
		await using test = await openTestEngine({ guard: strict });
		const { id } = await test.createWebhook("https://example.com/", { customerId: "acme" });
		const refused = test.createWebhook("http://example.com/", { customerId: "acme" });
		await expect(refused).rejects.toMatchObject(message(setting));
		const update = (change: Change) => test.engine.webhooks.update(change, id, { endpoint: "http://example.com/" });
		await expect(update(test.change)).rejects.toMatchObject(message(setting));
		const scope = customerScope(test.projectId, "acme");
		await expect(update({ ...test.change, scope })).rejects.toMatchObject(message(/Use https\.$/));
		const internal = test.createWebhook("https://10.1.2.3/", { customerId: "acme" });
		await expect(internal).rejects.toMatchObject(message(/Only public addresses may be called\.$/));
	});
});
