// Quotas of changes: what is refused and when, whose each change is, and what is never refused.
import { describe, expect, it } from "vitest";

import { createAloneTenure } from "../../../adapters/alone/alone-tenure.ts";
import type { AuditAction } from "../../../core/access/audit.ts";
import { customerScope } from "../../../core/access/principal.ts";
import type { FanfareError } from "../../../core/errors.ts";
import { ManualClock } from "../../../core/manual-clock.ts";
import { ANY_ENTRY } from "../../../ports/contract/store/records/records.ts";
import { codeOf, draft, newPortalSession, NO_SETTINGS, NOBODY } from "../../test/arrangements.ts";
import { openTestEngine, type TestEngine } from "../../test/test-engine.ts";
import { ChangeRates } from "./change-rates.ts";

const REFUSED = { code: "change_rate_exceeded" };
const byKey1 = (action: AuditAction) => draft(action, { keyId: "key_1" });
const byCustomer = (action: AuditAction, customerId: string) => draft(action, { customerId });

/** More than any quota here. */
const MANY = 10_000;

/** The number of changes that are let through until one is refused. */
function allowed(take: () => void): number {
	for (let count = 0; count < MANY; count++) {
		try {
			take();
		} catch (error) {
			expect(error).toMatchObject(REFUSED);
			return count;
		}
	}
	throw new Error(`none of ${MANY} is refused`);
}

function ratesOf(quotas: { project: number; customer: number }, members = 1) {
	const clock = new ManualClock();
	const alone = createAloneTenure();
	const tenure = Object.assign(Object.create(alone) as typeof alone, { liveMembers: () => members });
	const settings = { maxChangesPerMinute: quotas.project, maxChangesPerMinutePerCustomer: quotas.customer };
	// A key of the workspace says so in its id.
	const keys = { key: (id: string) => ({ projectId: id.startsWith("key_of_workspace") ? null : "proj_a" }) };
	const rates = new ChangeRates({ clock, tenure, keys }, settings);
	return {
		clock,
		settings,
		byKey: (project: string) => allowed(() => rates.take(byKey1("webhook.update"), project)),
		byCustomer: (project: string, customerId: string) =>
			allowed(() => rates.take(byCustomer("webhook.update", customerId), project)),
		rates,
	};
}

describe("changes", () => {
	it("have the quota of an hour at once, then the rate, for each project and for the workspace", () => {
		const { clock, byKey, rates } = ratesOf({ project: 6, customer: 3 });
		expect(byKey("proj_a")).toBe(360);
		expect(byKey("proj_b")).toBe(360);
		expect(allowed(() => rates.take(byKey1("key.create"), null))).toBe(360);
		expect(() => rates.take(byKey1("webhook.update"), "proj_a")).toThrow(
			expect.objectContaining({ retryAfterMs: 10_000, message: expect.stringContaining("(maxChangesPerMinute)") }),
		);
		clock.advance(20_000);
		expect(byKey("proj_a")).toBe(2);
	});

	it("with keys of the workspace have quotas of their own, in each project and outside", () => {
		const { byKey, rates } = ratesOf({ project: 6, customer: 3 });
		const byWorkspace = (action: AuditAction, project: string | null) =>
			allowed(() => rates.take(draft(action, { keyId: "key_of_workspace" }), project));
		expect(byKey("proj_a")).toBe(360);
		expect(byWorkspace("project.update", "proj_a")).toBe(360);
		expect(byWorkspace("webhook.update", "proj_b")).toBe(360);
		expect(byWorkspace("key.create", null)).toBe(360);
		expect(byKey("proj_b")).toBe(360);
		expect(() => rates.take(draft("webhook.update", { keyId: "key_of_workspace" }), "proj_a")).toThrow(
			"of the workspace in this project is used up",
		);
	});

	it("that replace a key or a secret are those of the key that makes them, apart from all others", () => {
		const { byKey, rates } = ratesOf({ project: 6, customer: 3 });
		const replace = (action: AuditAction, keyId: string) =>
			allowed(() => rates.take(draft(action, { keyId }), "proj_a"));
		expect(byKey("proj_a")).toBe(360);
		expect(replace("webhook.update_secret", "key_1")).toBe(360);
		expect(replace("webhook.update_secret", "key_2")).toBe(360);
		expect(replace("key.roll", "key_of_workspace")).toBe(360);
		expect(replace("session.create", "key_1")).toBe(360);
	});

	it("of customers have quotas of their own, so that they leave all that is the project's to its keys", () => {
		const { clock, byKey, byCustomer: of } = ratesOf({ project: 60, customer: 3 });
		expect(of("proj_a", "acme")).toBe(30);
		expect(of("proj_a", "globex")).toBe(30);
		expect(of("proj_b", "acme")).toBe(30);
		clock.advance(20_000);
		expect(of("proj_a", "acme")).toBe(1);
		expect(byKey("proj_a")).toBe(3_600);
		expect(of("proj_a", "initech")).toBe(30);
	});

	it("of a customer who makes few go on when many others have used up what customers may make together", () => {
		const { byCustomer: of, rates } = ratesOf({ project: 200, customer: 30 });
		// Forty would use up all of it, if each could have all of its own.
		const counts = Array.from({ length: 60 }, (_, index) => of("proj_a", `greedy${index}`));
		expect(counts.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 300));
		expect(counts.every((count) => count > 30)).toBe(true);
		for (const modest of ["a", "b", "c", "d", "e"]) {
			for (let n = 0; n < 30; n++) rates.take(byCustomer("webhook.update", modest), "proj_a");
		}
		expect(counts.reduce((sum, count) => sum + count, 0)).toBeLessThan(12_000);
	});

	it("of a customer without a quota of its own leave others their part of what customers may make together", () => {
		const { byKey, byCustomer: of } = ratesOf({ project: 60, customer: 0 });
		const [greedy, second] = [of("proj_a", "greedy"), of("proj_a", "second")];
		expect(greedy).toBeGreaterThan(2_000);
		expect(second).toBeGreaterThan(500);
		expect(of("proj_a", "modest")).toBeGreaterThan(100);
		expect(greedy + second).toBeLessThan(3_600);
		expect(byKey("proj_a")).toBe(3_600);
	});

	it("of a process are its share of the quota", () => {
		const { byKey, byCustomer: of } = ratesOf({ project: 60, customer: 30 }, 3);
		expect(byKey("proj_a")).toBe(1_200);
		expect(of("proj_a", "acme")).toBe(100);
	});

	it("have the quotas that apply now, and none with 0", () => {
		const { byKey, rates, settings } = ratesOf({ project: 1, customer: 1 });
		expect(byKey("proj_a")).toBe(60);
		Object.assign(settings, { maxChangesPerMinute: 0, maxChangesPerMinutePerCustomer: 0 });
		for (let n = 0; n < 100; n++) {
			rates.take(byKey1("webhook.update"), "proj_a");
			rates.take(byCustomer("webhook.update", "acme"), "proj_a");
		}
	});

	it("that sign somebody in are those of a key, and portal sessions have their own: nobody uses up what is not theirs", () => {
		const { byKey, rates } = ratesOf({ project: 6, customer: 3 });
		const signIn = (keyId: string) => allowed(() => rates.take(draft("session.create", { keyId }), null));
		expect([signIn("key_1"), signIn("key_2")]).toEqual([360, 360]);
		expect(allowed(() => rates.take(draft("sign_in_link.create", { keyId: "key_3" }), "proj_a"))).toBe(360);
		const open = (forCustomer: string) => rates.take(byKey1("portal_session.create"), "proj_a", { forCustomer });
		const [acme, globex] = ["acme", "globex"].map((customer) => allowed(() => open(customer)));
		expect(acme).toBeGreaterThan(200);
		expect(globex).toBeGreaterThan(50);
		let others = 0;
		const each = () => open(`customer ${others++}`);
		const further = allowed(each);
		expect(further).toBeGreaterThan(10);
		expect((acme ?? 0) + (globex ?? 0) + further).toBe(360);
		expect(each).toThrow("of the project's portal sessions is used up");
		expect(byKey("proj_a")).toBe(360);
		expect(allowed(() => rates.take(byKey1("key.create"), null))).toBe(360);
	});

	it("that are made together are all made, or none", () => {
		const { byKey, rates } = ratesOf({ project: 1, customer: 1 });
		const take = (count: number) => rates.take(byKey1("replay.create"), "proj_a", { count });
		take(50);
		expect(() => take(20)).toThrow(expect.objectContaining({ retryAfterMs: 600_000 }));
		take(0);
		expect(byKey("proj_a")).toBe(10);
	});

	it("of a customer that are refused for what others have made are refused in the same words, after whatever they have made", () => {
		const refusalAfter = (others: number, own: number) => {
			const { rates } = ratesOf({ project: 10, customer: 30 });
			const take = (customer: string) => rates.take(byCustomer("webhook.update", customer), "proj_a");
			for (let n = 0; n < others; n++) take(`other ${n}`);
			for (let n = 0; n < own; n++) take("acme");
			try {
				for (;;) take("acme");
			} catch (error) {
				const { code, message, retryAfterMs } = error as FanfareError;
				return { code, message, retryAfterMs };
			}
		};
		const refusal = refusalAfter(600, 0);
		expect(refusal).toMatchObject(REFUSED);
		expect(refusal?.message).not.toMatch(/customers|project|maxChangesPerMinute/);
		for (const [others, own] of [
			[590, 5],
			[500, 20],
			[400, 50],
			[350, 100],
		] as const)
			expect(refusalAfter(others, own)).toEqual(refusal);
	});

	it("that the server makes for itself are free", () => {
		const { byKey, rates } = ratesOf({ project: 1, customer: 1 });
		byKey("proj_a");
		rates.take(draft("webhook.update"), "proj_a");
	});
});

describe("an engine with a quota of changes", () => {
	const limits = { maxChangesPerMinute: 1, maxChangesPerMinutePerCustomer: 1 };

	function inTest(test: TestEngine, action: AuditAction) {
		return { scope: test.scope, audit: byKey1(action) };
	}

	it("counts each change of a call that makes many, leaves no entry for what it refuses, and goes on there later", async () => {
		await using test = await openTestEngine({ limits: { ...limits, maxWebhooksPerCustomer: 100 } });
		for (let n = 0; n < 70; n++) await test.createWebhook(NOBODY, { customerId: "acme" });
		const { customers } = test.engine;
		const by = (action: AuditAction) => ({ scope: customerScope(test.projectId, "acme"), audit: byKey1(action) });
		await customers.pause(by("customer.pause"));
		await expect(customers.resume(by("customer.resume"))).rejects.toMatchObject(REFUSED);
		const page = await test.store.auditEntries(ANY_ENTRY, { limit: 1_000, cursor: null });
		expect(page.rows.filter(({ action }) => action === "customer.resume")).toHaveLength(60);
		test.clock.advance(600_000);
		expect(await customers.resume(by("customer.resume"))).toEqual({ matched: 70, changed: 10 });
	});

	it("counts what does not fit what is stored, but not what is not valid, also where what is stored decides about that", async () => {
		await using test = await openTestEngine({ limits });
		const { eventTypes, projects, webhooks } = test.engine;
		const { id } = await test.createWebhook(NOBODY);
		const create = (name: string, schemaJson: string | null) =>
			eventTypes.create(inTest(test, "event_type.create"), name, { ...NO_SETTINGS, schemaJson });
		const updateWebhook = (changes: object) => webhooks.update(inTest(test, "webhook.update"), id, changes);
		const updateProject = (changes: object) => projects.update(inTest(test, "project.update"), changes);
		const invalid = [
			() => updateWebhook({ endpoint: "http://10.0.0.1/" }),
			() => create("b", '{"type":"strin"}'),
			() => updateProject({ retentionDays: 1, payloadRetentionDays: 2 }),
		];
		await create("a", null);
		const stale = { name: "b", revision: 1_000_000 };
		const conflicts = [() => create("a", null), () => updateWebhook(stale), () => updateProject(stale)];
		for (let n = 0; n < 19; n++) {
			for (const change of invalid) expect(await codeOf(change)).toBe("invalid_request");
			for (const change of conflicts) await expect(change()).rejects.toMatchObject({ kind: "conflict" });
		}
		// One was made, 57 were refused.
		for (let n = 0; n < 2; n++) await expect(create("a", null)).rejects.toMatchObject({ kind: "conflict" });
		for (const change of conflicts) await expect(change()).rejects.toMatchObject(REFUSED);
		// Now also what is invalid: what costs more than a refusal is not checked.
		await expect(updateWebhook({ endpoint: "http://10.0.0.1/" })).rejects.toMatchObject(REFUSED);
		await expect(create("b", '{"type":"strin"}')).rejects.toMatchObject(REFUSED);
	});

	it("writes nothing for a relay that it refuses", async () => {
		await using test = await openTestEngine({ limits });
		const { relays, webhooks } = test.engine;
		const { id } = await test.createWebhook(NOBODY);
		for (let n = 0; n < 60; n++) await webhooks.update(inTest(test, "webhook.update"), id, { name: String(n) });
		const isCalled = () => Promise.reject(new Error("the store is called"));
		Object.assign(test.engineStore, { putRelay: isCalled, removeRelay: isCalled, insertWebhook: isCalled });
		const settings = { name: "a", device: "a", eventTypes: null, timeoutMs: 1_000, customerId: null, mirrorOf: null };
		const put = relays.put(inTest(test, "relay.put"), settings, new Uint8Array(24));
		await expect(put).rejects.toMatchObject(REFUSED);
	});

	it("lets the workspace roll a key with which all the changes of its project are made, and replace what it may know", async () => {
		await using test = await openTestEngine({ limits });
		const { keys, projects, webhooks } = test.engine;
		const { projectId } = test;
		const make = async (of: string | null) =>
			(await keys.create({ name: "a", scope: of === null ? "admin" : "write", projectId: of }, null)).key.id;
		const [leaked, other, admin] = [await make(projectId), await make(projectId), await make(null)];
		const { id } = await test.createWebhook(NOBODY);
		const by = (keyId: string, action: AuditAction) => ({ scope: test.scope, audit: draft(action, { keyId }) });
		const rename = (keyId: string, name: string) => webhooks.update(by(keyId, "webhook.update"), id, { name });
		for (let n = 0; n < 60; n++) await rename(leaked, "same");
		await expect(rename(leaked, "b")).rejects.toMatchObject(REFUSED);
		await expect(rename(other, "b")).rejects.toMatchObject(REFUSED);
		await keys.roll(leaked, 0, draft("key.roll", { keyId: admin }));
		await webhooks.updateSecret(by(other, "webhook.update_secret"), id, new Uint8Array(24).fill(1), 0);
		await webhooks.updateSecret(by(admin, "webhook.update_secret"), id, new Uint8Array(24).fill(2), 0);
		await keys.create({ name: "b", scope: "write", projectId }, draft("key.create", { keyId: admin }));
		await projects.update(by(admin, "project.update"), { name: "b" });
		await rename(admin, "b");
	});

	it("has a bound for portal sessions, however many customers they are for and however fast they are revoked", async () => {
		await using test = await openTestEngine({ limits });
		const { portalSessions } = test.engine;
		const open = (customerId: string) =>
			portalSessions.create(inTest(test, "portal_session.create"), newPortalSession({ customerId, keyId: "key_1" }));
		const revoke = () =>
			portalSessions.revokeAll(inTest(test, "portal_session.revoke_many"), { customerId: null, keyId: "key_1" });
		for (let n = 0; n < 60; n++) {
			await open(`customer ${n}`);
			await revoke();
		}
		await expect(open("another")).rejects.toMatchObject({ ...REFUSED, retryAfterMs: 60_000 });
		expect(await revoke()).toBe(0);
	});

	it("never refuses what ends something", async () => {
		await using test = await openTestEngine({ limits });
		const webhook = await test.createWebhook(NOBODY);
		const eventId = await test.send();
		const { engine } = test;
		const created = await engine.portalSessions.create(inTest(test, "portal_session.create"), newPortalSession());
		const rename = () =>
			engine.webhooks.update(inTest(test, "webhook.update"), webhook.id, { name: crypto.randomUUID() });
		for (let n = 0; n < 60; n++) await rename();
		await expect(rename()).rejects.toMatchObject({ ...REFUSED, retryAfterMs: 60_000 });
		await engine.webhooks.pause(inTest(test, "webhook.pause"), webhook.id);
		await engine.events.erasePayload(inTest(test, "event.erase"), eventId);
		await engine.portalSessions.revoke(inTest(test, "portal_session.revoke"), created.session.id);
		await engine.webhooks.delete(inTest(test, "webhook.delete"), webhook.id);
		await engine.projects.delete(inTest(test, "project.delete"));
	});
});
