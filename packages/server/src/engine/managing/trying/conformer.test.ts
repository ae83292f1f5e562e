// Conformance checks of webhooks: what they find, how they end, and that one at a time is made.
import { startReceiver, type ReceivedRequest } from "@fanfare/testkit/receiver";
import { expect, it } from "vitest";

import { createAddressGuard } from "../../../adapters/http/address-guard.ts";
import { CHECKS_BY_SERVER } from "../../../core/conformance/checks.ts";
import { sign, signingKey } from "../../../core/crypto/signing.ts";
import { codeOf, openDelivering } from "../../test/arrangements.ts";
import { changeIn, membershipOf, openTestEngine, type TestEngine } from "../../test/test-engine.ts";
import type { ConformanceAsked } from "../../webhook-test.ts";

const SECRET = Buffer.alloc(32, 7);
const ALL: ConformanceAsked = { eventType: null, dataJson: null, checks: null, burst: 3, slowMs: 15_000 };
const FEW: ConformanceAsked = { ...ALL, checks: ["stale"] };
const REFUSALS = ["changed_body", "wrong_secret", "no_signature", "changed_id", "stale", "future", "malformed"];

/** Whether a receiver that is correct accepts a request, at the time of the test's clock. */
function isValid({ headers, rawBody }: ReceivedRequest, test: TestEngine): boolean {
	const [id, at, signatures] = ["webhook-id", "webhook-timestamp", "webhook-signature"].map((name) =>
		String(headers[name]),
	);
	const ageS = test.clock.now() / 1_000 - Number(at);
	if (!(Math.abs(ageS) <= 300)) return false;
	return String(signatures)
		.split(" ")
		.includes(sign([signingKey(SECRET)], String(id), Number(at), rawBody));
}

const failedOf = ({ checks }: { readonly checks: readonly { readonly name: string; readonly result: string }[] }) =>
	checks.filter(({ result }) => result === "failed").map(({ name }) => name);

it("finds nothing wrong with a correct receiver, with both secrets of a rotation and headers of its own", async () => {
	const { receiver, test, id } = await openDelivering({ headers: { "x-token": "mine" } });
	receiver.script((request) => ({ status: isValid(request, test) ? 204 : 401 }));
	await test.engine.webhooks.updateSecret(test.change, id, SECRET, null);
	const found = await test.engine.webhooks.conform(test.change, id, ALL);
	expect([found.conforms, found.endedEarly, failedOf(found)]).toEqual([true, null, []]);
	expect(found.checks.map(({ name }) => name)).toEqual(CHECKS_BY_SERVER.map(({ name }) => name));
	expect(found.requestCount).toBe(receiver.requests.length);
	expect(new Set(receiver.requests.map(({ headers }) => headers["x-token"]))).toEqual(new Set(["mine"]));
	expect((await test.engine.webhooks.get(test.change.scope, id)).status).toBe("Enabled");
});

it("names the defects of a receiver that accepts everything, sends the sample that it is given, and leaves a paused webhook paused", async () => {
	const { receiver, test, id } = await openDelivering();
	const sample = { eventType: "order.paid", dataJson: '{"n":1.0,"big":12345678901234567890}' };
	const found = await test.engine.webhooks.conform(test.change, id, { ...ALL, ...sample });
	expect([found.conforms, failedOf(found)]).toEqual([false, REFUSALS]);
	expect(String(receiver.requests[0]?.rawBody)).toMatch(
		/^\{"type":"order\.paid","timestamp":"[^"]+","data":\{"n":1\.0,"big":12345678901234567890\}\}$/,
	);
	await test.engine.webhooks.pause(test.change, id);
	const named = await test.engine.webhooks.conform(test.change, id, FEW);
	const results = ["reachable passed", "redirect passed", "accepts passed", "stale failed"];
	expect(named.checks.map(({ name, result }) => `${name} ${result}`)).toEqual(results);
	expect((await test.engine.webhooks.get(test.change.scope, id)).status).toBe("Paused");
});

it("checks one webhook of a project at a time, and eight at once for all projects together", async () => {
	const { receiver, test, id } = await openDelivering();
	receiver.script(() => ({ kind: "hang" }));
	const second = await test.createWebhook(receiver.url);
	const begun = [test.engine.webhooks.conform(test.change, id, FEW)];
	await receiver.waitFor(1);
	expect(await codeOf(test.engine.webhooks.conform(test.change, second.id, FEW))).toBe("overloaded");
	for (let count = 2; count <= 9; count++) {
		const { id: projectId } = await test.engine.projects.create(`Project ${count}`, null);
		const webhook = await test.createWebhook(receiver.url, {}, projectId);
		const checked = test.engine.webhooks.conform(changeIn(projectId), webhook.id, FEW);
		if (count === 9) {
			await expect(checked).rejects.toMatchObject({ code: "overloaded", message: expect.stringContaining("Too many") });
		} else {
			begun.push(checked);
			await receiver.waitFor(count);
		}
	}
	// A stop of the engine ends them all, which says nothing about the receivers.
	await test.engine.stop();
	for (const found of await Promise.all(begun)) {
		const endedEarly = expect.stringContaining("could not send");
		expect(found).toMatchObject({ conforms: false, endedEarly, requestCount: 1 });
		expect(new Set(found.checks.map(({ result }) => result))).toEqual(new Set(["skipped"]));
	}
});

it("calls no address that the guard refuses, also if it was allowed when the webhook was registered", async () => {
	await using receiver = await startReceiver();
	const open = createAddressGuard({ allowNetworks: ["127.0.0.0/8"], allowHttp: true, allowForCustomers: true });
	const guard = { ...open };
	await using test = await openTestEngine({ guard });
	const { id } = await test.createWebhook(receiver.url);
	Object.assign(guard, createAddressGuard({ allowNetworks: [], allowHttp: true }));
	const found = await test.engine.webhooks.conform(test.change, id, ALL);
	expect([found.conforms, found.endedEarly, failedOf(found)]).toEqual([false, null, ["reachable"]]);
	expect(found.checks[0]?.problem).toContain("loopback");
	expect(receiver.connectionCount).toBe(0);
});

it("ends when the webhook is deleted, and leaves room for the next check", async () => {
	const { receiver, test, id } = await openDelivering();
	receiver.script((_, index) => {
		if (index === 0) void test.engine.webhooks.delete(test.change, id);
		return { status: 200 };
	});
	const found = await test.engine.webhooks.conform(test.change, id, ALL);
	expect([found.conforms, found.endedEarly]).toEqual([false, "The webhook was deleted meanwhile."]);
	const next = await test.createWebhook(receiver.url);
	expect((await test.engine.webhooks.conform(test.change, next.id, FEW)).endedEarly).toBeNull();
});

it("sends nothing more if its process may not know of changes any more", async () => {
	await using receiver = await startReceiver();
	const member = { isMember: true };
	await using test = await openTestEngine({ membership: membershipOf(member) });
	const { id } = await test.createWebhook(receiver.url);
	receiver.script((_, index) => {
		if (index === 1) member.isMember = false;
		return { status: 200 };
	});
	const checked = test.engine.webhooks.conform(test.change, id, ALL);
	await expect(checked).rejects.toMatchObject({ code: "store_unavailable" });
	expect(receiver.requests).toHaveLength(2);
	member.isMember = true;
	expect((await test.engine.webhooks.conform(test.change, id, FEW)).endedEarly).toBeNull();
});

it("ends when its time is over, with what it has found until then", async () => {
	const { receiver, test, id } = await openDelivering();
	receiver.script((_, index) => {
		if (index === 3) test.clock.advance(60_000);
		return { status: 200 };
	});
	const found = await test.engine.webhooks.conform(test.change, id, ALL);
	expect([found.conforms, found.endedEarly, found.requestCount]).toEqual([false, expect.stringContaining("60 s"), 4]);
	expect(failedOf(found)).toEqual(["changed_body", "wrong_secret", "no_signature"]);
});
