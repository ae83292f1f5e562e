// The lean path gives the responses that the app gives, byte for byte: each request here goes to two servers on one engine, one with the
// lean path and one without.
import { RawConnection } from "@fanfare/testkit/raw-connection";
import { describe, expect, it, onTestFinished } from "vitest";

import { FanfareError } from "../../../core/errors.ts";
import { StoreError } from "../../../ports/store/errors.ts";
import { openBoth, responsesIn, statusOf } from "../../test/both-paths.ts";
import { IN_ACCEPTOR_THREAD } from "../../test/node-server.ts";
import { eventOf, KIB, NOT_TAKEN, TAKEN } from "../../test/plain-sends.ts";

describe("a plain send takes the lean path, and gets the response of the app", () => {
	it.each(TAKEN)("%s: %i", async (_name, status, sent) => {
		const { compare, taken, keys } = await openBoth();
		// With its authorization omitted, a request has the other header for keys.
		const isWithoutKey = sent.headers?.["authorization"] === null && sent.headers["secret-key"] === undefined;
		const lines = [...(sent.lines ?? []), ...(isWithoutKey ? [`Secret-Key: ${keys.admin}`] : [])];
		expect(statusOf((await compare({ ...sent, lines })).byLean)).toBe(status);
		expect(taken()).toBe(1);
	});

	it.each(["read", "write", "admin", "project", "projectRead", "other"] as const)("the key %s", async (key) => {
		const { compare, taken, keys } = await openBoth();
		const { byLean } = await compare({ headers: { authorization: `bearer  ${keys[key]}` } });
		expect(statusOf(byLean)).toBe(
			{ read: 403, projectRead: 403, other: 404, write: 202, admin: 202, project: 202 }[key],
		);
		expect(taken()).toBe(1);
	});

	it("the token of a portal session, with the headers for its page", async () => {
		const { compare, tokenOf } = await openBoth({ portalOrigins: ["https://app.example.com"] });
		for (const token of [await tokenOf("acme"), `ps_${"a".repeat(43)}`]) {
			for (const origin of [null, "https://app.example.com"]) {
				const { byLean } = await compare({ headers: { authorization: `Bearer ${token}`, origin } });
				expect([401, 403]).toContain(statusOf(byLean));
				expect(byLean).toMatch(/^vary: Origin\r$/m);
			}
		}
	});

	it("what is refused by something else than the request", async () => {
		let isCurrent = true;
		const { compare, taken, engine, store, test } = await openBoth({ isCurrent: () => isCurrent });
		const send = engine.intake.send.bind(engine.intake);
		onTestFinished(() => void (engine.intake.send = send));
		engine.intake.send = () => Promise.reject(new FanfareError("shutting_down", "The server is shutting down."));
		expect(statusOf((await compare({})).byLean)).toBe(503);
		engine.intake.send = () => Promise.reject(new TypeError("a fault"));
		expect(statusOf((await compare({})).byLean)).toBe(500);
		engine.intake.send = send;
		store.commit = () => Promise.reject(new StoreError("store_full", "no space"));
		expect(statusOf((await compare({})).byLean)).toBe(503);
		store.commit = (batch) => test.store.commit(batch);
		await test.engine.projects.update(test.change, { eventTypes: "catalogued" });
		expect(statusOf((await compare({})).byLean)).toBe(400);
		isCurrent = false;
		expect(statusOf((await compare({})).byLean)).toBe(503);
		expect(taken()).toBe(5);
	});

	it("a repeated send and one that conflicts, whichever way it came first", async () => {
		const { compare, accepted } = await openBoth();
		const body = (data: number) => `{"type":"a","data":${data},"idempotencyKey":"k"}`;
		const first = await compare({ body: body(1) });
		expect(first.byApp).toContain('"duplicate":false');
		expect(first.byLean).toContain('"duplicate":true');
		expect((await compare({ body: body(1) })).byApp).toContain('"duplicate":true');
		expect(statusOf((await compare({ body: body(2) })).byLean)).toBe(409);
		expect(await accepted()).toHaveLength(1);
	});

	it("a person whom a trusted proxy names", async () => {
		const { compare, taken } = await openBoth({ proxyActorHeader: () => "X-Person" });
		for (const [person, status] of [
			["ada@example.com", 202],
			["", 202],
			["a b", 400],
		] as const) {
			expect(statusOf((await compare({ headers: { "x-person": person } })).byLean)).toBe(status);
		}
		expect(taken()).toBe(3);
	});

	it("bodies for which the memory has no room, and the connection goes on", async () => {
		const refused: string[] = [];
		const { compare, taken } = await openBoth(
			{ bodyRefused: (code) => refused.push(code) },
			{ bodyBytesInHand: 2 * KIB },
		);
		const { byLean } = await compare({ body: eventOf(1_100) });
		expect(statusOf(byLean)).toBe(503);
		expect(responsesIn(byLean)).toHaveLength(2);
		expect(refused).toEqual(["overloaded", "overloaded"]);
		expect(statusOf((await compare({ body: eventOf(1_000) })).byLean)).toBe(202);
		expect(taken()).toBe(2);
	});
});

describe("any other request goes to the app, which has read nothing of it", () => {
	it.each(NOT_TAKEN)("%s: %i", async (_name, status, sent) => {
		const { compare, taken } = await openBoth();
		expect(statusOf((await compare(sent)).byLean)).toBe(status);
		// A thread passes all requests on as HTTP/1.1, without what the client has asked of its own connection.
		const { version, headers = {} } = sent;
		const isPlainThen = version === "1.0" || headers["expect"] === "100-continue" || "upgrade" in headers;
		expect(taken()).toBe(IN_ACCEPTOR_THREAD && isPlainThen ? 1 : 0);
	});
});

describe("a client of the lean path", () => {
	it("that disconnects in its body leaves a log line and no event, and its bytes are released", async () => {
		const { bytesOf, port, lines, accepted, taken, compare } = await openBoth({}, { bodyBytesInHand: 40 * KIB });
		// A connection that ends in the middle has another line, of what could not be read.
		const sends = () => lines.filter(({ method }) => method === "POST");
		for (let n = 0; n < 5; n++) {
			{
				using connection = new RawConnection(port);
				await connection.write(bytesOf({ body: eventOf(15 * KIB) }).subarray(0, -1));
				await expect.poll(taken).toBe(n + 1);
				if (n % 2 === 0) connection.reset();
			}
			await expect.poll(() => sends().length).toBe(n + 1);
		}
		expect(sends().map(({ status, code }) => [status, code])).toEqual(sends().map(() => [400, "invalid_request"]));
		expect(await accepted()).toEqual([]);
		expect(statusOf((await compare({ body: eventOf(15 * KIB) })).byLean)).toBe(202);
	});

	it("that disconnects before its response gets none, and its event is kept", async () => {
		const { bytesOf, port, lines, accepted, store, test } = await openBoth();
		const { promise: gate, resolve: open } = Promise.withResolvers<void>();
		const { promise: handled, resolve: handle } = Promise.withResolvers<void>();
		store.commit = async (batch) => {
			handle();
			await gate;
			return test.store.commit(batch);
		};
		const connection = new RawConnection(port);
		await connection.write(bytesOf({}));
		await handled;
		connection.reset();
		await connection.closed;
		open();
		await expect.poll(() => lines.length).toBe(1);
		expect(lines).toMatchObject([{ status: 202 }]);
		expect(await accepted()).toHaveLength(1);
	});

	it("that is refused before its body has come may send the body, and then another request", async () => {
		const { bytesOf, port, keys, taken } = await openBoth();
		using connection = new RawConnection(port);
		const bytes = bytesOf({ headers: { authorization: `Bearer ${keys.read}` } });
		await connection.write(bytes.subarray(0, -10));
		expect((await connection.answer()).status).toBe(403);
		await connection.write(bytes.subarray(-10));
		await connection.write(bytesOf({}));
		expect((await connection.answer()).status).toBe(202);
		expect(taken()).toBe(2);
	});

	it("that is refused before its body has come, and does not send it, is disconnected", async () => {
		const { bytesOf, port, keys, clock } = await openBoth();
		using connection = new RawConnection(port);
		const bytes = bytesOf({ headers: { authorization: `Bearer ${keys.read}` } });
		await connection.write(bytes.subarray(0, -10));
		expect((await connection.answer()).status).toBe(403);
		await expect
			.poll(() => {
				clock.advance(500);
				return connection.isClosed;
			})
			.toBe(true);
		expect(connection.unread).toBe("");
	});

	it("that sends many requests at once gets their responses in order, also beside those of the app", async () => {
		const { bytesOf, port, taken } = await openBoth();
		using connection = new RawConnection(port);
		const sends = [{}, { body: "{" }, { path: "./events?" }, { method: "GET", body: "" }, { body: "[]" }, {}];
		await connection.write(Buffer.concat(sends.map(bytesOf)));
		const statuses: number[] = [];
		// oxlint-disable-next-line no-await-in-loop -- one after the other
		while (statuses.length < sends.length) statuses.push((await connection.answer()).status);
		expect(statuses).toEqual([202, 400, 202, 200, 400, 202]);
		expect(connection.unread).toBe("");
		expect(taken()).toBe(4);
	});

	it("that sends its body byte by byte is understood", async () => {
		const { bytesOf, port, accepted } = await openBoth();
		using connection = new RawConnection(port);
		for (const byte of bytesOf({})) await connection.write(Buffer.of(byte));
		expect((await connection.answer()).status).toBe(202);
		expect(await accepted()).toMatchObject([{ type: "a.b", dataJson: '{"n":1.0}' }]);
	});
});
