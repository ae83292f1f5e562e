// Erasing a payload by hand, whatever state its deliveries are in.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { projectScope } from "../../core/access/principal.ts";
import { ANY_ENTRY, NEWEST } from "../../ports/contract/store/records/records.ts";
import { StoreError, StoreInDoubtError } from "../../ports/store/errors.ts";
import { codeOf, draft, NOBODY, openDelivering } from "../test/arrangements.ts";
import { changeIn, eventually, openTestEngine, type TestEngine, type TestEngineOptions } from "../test/test-engine.ts";

const AUDIT = draft("event.erase", { keyId: "key_1" });
const CANCELLED = { status: "Cancelled", reason: "the payload was erased" } as const;

describe("erasing a payload", () => {
	it("cancels a delivery that waits for a retry, with the reason, and sends nothing more", async () => {
		const { receiver, test } = await openDelivering();
		receiver.script(() => ({ status: 500, body: "echo of the payload" }));
		const eventId = await test.send();
		const { id } = await test.delivery(eventId, { status: "Pending", attemptCount: 1, leaseUntil: null });
		const { events } = test.engine;
		expect(await events.erasePayload(test.change, eventId)).toEqual({ cancelledCount: 1 });
		await test.delivery(eventId, CANCELLED);
		expect((await test.attempts(id))[0]?.response?.body).toBe("");
		test.clock.advance(600_000);
		await test.send({ webhookIds: [] });
		expect(receiver.requests).toHaveLength(1);
		expect(await codeOf(test.engine.deliveries.retry(test.change, id))).toBe("payload_erased");
		expect(await events.erasePayload(test.change, eventId)).toEqual({ cancelledCount: 0 });
	});

	it("again changes nothing and leaves no audit entry, and finds no event of another project", async () => {
		await using test = await openTestEngine();
		await test.createWebhook(NOBODY);
		const eventId = await test.send();
		const erase = () => test.engine.events.erasePayload({ ...test.change, audit: AUDIT }, eventId);
		const entries = async () =>
			(await test.store.auditEntries({ ...ANY_ENTRY, objectId: eventId }, NEWEST)).rows.length;
		await erase();
		expect(await entries()).toBe(1);
		for (let n = 0; n < 5; n++) expect(await erase()).toEqual({ cancelledCount: 0 });
		expect(await entries()).toBe(1);
		const other = await test.engine.projects.create("other", null);
		const foreign = await test.in(other.id).send();
		const eraseIn = (projectId: string) => codeOf(test.engine.events.erasePayload(changeIn(projectId), foreign));
		expect([await eraseIn(test.projectId), await eraseIn("proj_x")]).toEqual(["event_not_found", "project_not_found"]);
		expect(await test.store.eventBody(projectScope(other.id), foreign)).not.toBeNull();
	});

	it.each(["erases it", "leaves it"])(
		"begins no further attempt of what an erasure in doubt may have erased, which $0, and of what another process has erased",
		async (which) => {
			const { receiver, test } = await openDelivering({ rateLimit: { perSecond: 1 } });
			test.clock.advance(1_000);
			const [first, second, third] = [await test.send(), await test.send(), await test.send()];
			await test.delivery(first, { status: "Succeeded" });
			expect(test.engine.gauges().readyDeliveries).toBe(2);
			const { events } = test.engine;
			test.engineStore.erasePayload = async (...parameters) => {
				if (which === "erases it") await test.store.erasePayload(...parameters);
				test.engineStore.erasePayload = (...again) => test.store.erasePayload(...again);
				throw new StoreInDoubtError("the answer was lost");
			};
			await expect(events.erasePayload(test.change, second)).rejects.toBeInstanceOf(StoreInDoubtError);
			// As another process that dies before it tells this one.
			const options = { reason: CANCELLED.reason, at: test.clock.now(), limit: 100, entry: null };
			expect(await test.store.erasePayload(test.scope, third, options)).toMatchObject({ changed: true });
			expect(await events.erasePayload(test.change, third)).toEqual({ cancelledCount: 0 });
			test.clock.advance(5_000);
			const last = await test.send();
			await test.delivery(last, { status: "Succeeded" });
			expect(receiver.requests.map(({ headers }) => headers["webhook-id"])).toEqual([first, last]);
			// One that was not erased is found when its lease has ended.
			if (which === "erases it") return;
			test.clock.advance(300_000);
			await test.delivery(second, { status: "Succeeded" });
		},
	);

	it("stores no response body of an attempt that is in flight", async () => {
		const { receiver, test } = await openDelivering();
		let respond = (): void => {};
		receiver.script(async () => {
			await new Promise<void>((resolve) => (respond = resolve));
			return { status: 200, body: "echo of the payload" };
		});
		const eventId = await test.send();
		await receiver.waitFor(1);
		await test.engine.events.erasePayload(test.change, eventId);
		respond();
		const { id } = await test.delivery(eventId, { ...CANCELLED, attemptCount: 1 });
		expect((await test.attempts(id))[0]).toMatchObject({ responseCode: 200, response: { body: "" } });
	});
});

describe("erasing a payload with many deliveries", () => {
	const LIMITS = { eraseStep: 5 };
	const COUNT = 40;

	/** Moves the clock on, for the pauses between steps, until a call is answered. */
	async function passing<T>(test: TestEngine, call: Promise<T>): Promise<T> {
		let isAnswered = false;
		const answered = () => (isAnswered = true);
		call.then(answered, answered);
		await eventually("the call is answered", () => {
			test.clock.advance(10);
			return isAnswered;
		});
		return call;
	}

	/** An engine with webhooks that are paused, all but the last, whose receiver is given. */
	async function open(options: TestEngineOptions, endpoint = NOBODY) {
		const test = await openTestEngine({ limits: LIMITS, ...options });
		for (let n = 1; n < COUNT; n++) {
			const { id } = await test.createWebhook(NOBODY);
			await test.engine.webhooks.pause(test.change, id);
		}
		await test.createWebhook(endpoint, { rateLimit: { perSecond: 1 } });
		return test;
	}

	it("answers when all of it is erased, in steps between which others' sends are committed", async () => {
		await using test = await open({});
		const other = test.in((await test.engine.projects.create("other", null)).id);
		const eventId = await test.send();
		const between: string[] = [];
		test.engineStore.continueErasure = async (step) => {
			between.push(await other.send());
			return test.store.continueErasure(step);
		};
		const erased = await passing(test, test.engine.events.erasePayload(test.change, eventId));
		expect(erased).toEqual({ cancelledCount: COUNT });
		expect(between.length).toBeGreaterThan(COUNT / LIMITS.eraseStep - 2);
		const deliveries = await test.deliveries({ eventId });
		expect(deliveries.filter(({ status }) => status !== "Cancelled")).toEqual([]);
		expect(await test.store.erasures(1)).toEqual([]);
	});

	it("begins no further attempt of it as soon as the payload is gone", async () => {
		await using receiver = await startReceiver();
		await using test = await open({}, receiver.url);
		test.clock.advance(1_000);
		const [first, second] = [await test.send(), await test.send()];
		await receiver.waitFor(1);
		const held = Promise.withResolvers<void>();
		test.engineStore.continueErasure = async (step) => {
			await held.promise;
			return test.store.continueErasure(step);
		};
		const erasing = test.engine.events.erasePayload(test.change, second);
		await eventually("the payload is gone", async () => (await test.store.eventBody(test.scope, second)) === null);
		test.clock.advance(2_000);
		const third = await test.send();
		await receiver.waitFor(2);
		held.resolve();
		await passing(test, erasing);
		expect(receiver.requests.map(({ headers }) => headers["webhook-id"])).toEqual([first, third]);
	});

	it("begins no attempt of what another process has begun to erase that has died before it told this one", async () => {
		await using receiver = await startReceiver();
		const answer = Promise.withResolvers<void>();
		receiver.script(async (_request, index) => {
			if (index === 0) await answer.promise;
			return {};
		});
		await using test = await openTestEngine({ limits: { ...LIMITS, maxInFlight: 1 } });
		// Its delivery is among those that the first step cancels.
		await test.createWebhook(receiver.url);
		for (let n = 1; n < COUNT; n++) {
			const { id } = await test.createWebhook(NOBODY);
			await test.engine.webhooks.pause(test.change, id);
		}
		const first = await test.send();
		await receiver.waitFor(1);
		// It waits in memory until the first one is answered.
		const second = await test.send();
		const options = { reason: CANCELLED.reason, at: test.clock.now(), limit: LIMITS.eraseStep, entry: null };
		expect(await test.store.erasePayload(test.scope, second, options)).toMatchObject({ done: false });
		test.clock.advance(30_000);
		await eventually("the erasure is taken up and over", async () => {
			test.clock.advance(10);
			return (await test.store.erasures(1)).length === 0;
		});
		answer.resolve();
		const third = await test.send();
		await eventually("the third one to come", () => {
			test.clock.advance(1_000);
			return receiver.requests.length > 1;
		});
		expect(receiver.requests.map(({ headers }) => headers["webhook-id"])).toEqual([first, third]);
	});

	it("goes on after the next start if the server is stopped meanwhile", async () => {
		const store = await openSqliteStore({ path: ":memory:" });
		const first = await open({ store });
		const eventId = await first.send();
		let steps = 0;
		first.engineStore.continueErasure = async (step) => {
			steps++;
			const result = await store.continueErasure(step);
			if (steps === 2) void first.engine.stop(0);
			return result;
		};
		const erasing = first.engine.events.erasePayload(first.change, eventId);
		await expect(passing(first, erasing)).rejects.toMatchObject({ code: "shutting_down" });
		await first[Symbol.asyncDispose]();
		expect(await store.erasures(1)).toHaveLength(1);
		expect(steps).toBe(2);

		await using second = await openTestEngine({ store, limits: LIMITS });
		await eventually("it is over", async () => {
			second.clock.advance(10);
			return (await store.erasures(1)).length === 0;
		});
		const deliveries = await second.deliveries({ eventId });
		expect(deliveries.filter(({ status }) => status !== "Cancelled")).toEqual([]);
		expect(deliveries).toHaveLength(COUNT);
	});

	it("goes on by itself if the store fails meanwhile, although the caller is told", async () => {
		await using test = await open({});
		const eventId = await test.send();
		let failures = 1;
		test.engineStore.continueErasure = (step) =>
			failures-- > 0
				? Promise.reject(new StoreError("store_unavailable", "no disk"))
				: test.store.continueErasure(step);
		const erase = () => passing(test, test.engine.events.erasePayload(test.change, eventId));
		const goesOn = expect.stringMatching(/^The payload is erased\. .* goes on with that by itself\./) as string;
		await expect(erase()).rejects.toMatchObject({ name: "FanfareError", code: "store_unavailable", message: goesOn });
		expect(await erase()).toEqual({ cancelledCount: COUNT });
		expect(test.observer.problems).toHaveLength(1);
	});
});
