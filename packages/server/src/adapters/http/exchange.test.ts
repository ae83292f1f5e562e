// The time of an exchange: what it waits for others does not count.
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { Exchange, type WaitingLine } from "./exchange.ts";
import { SendFailure } from "./send-failure.ts";

const LINE: WaitingLine = { leave: () => {}, whyWaiting: () => new SendFailure("queued", "others came first") };
const TARGET = {
	origin: "http://localhost",
	host: "localhost",
	path: "/",
	place: "localhost",
	customerId: null,
	projectId: "proj_a",
};
const TIMEOUT_MS = 1_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function begin(): { exchange: Exchange; ends: () => string | null } {
	const request = {
		url: "http://localhost/",
		headers: {},
		body: Buffer.from("{}"),
		timeoutMs: TIMEOUT_MS,
		projectId: "proj_a",
	};
	let end: string | null = null;
	const exchange = new Exchange(request, TARGET, [], ({ error }) => void (end = error));
	exchange.waitIn(LINE);
	return { exchange, ends: () => end };
}

it("begins when its turn comes, so that the receiver gets all of it", async () => {
	const { exchange, ends } = begin();
	await vi.advanceTimersByTimeAsync(TIMEOUT_MS - 1);
	exchange.beginTurn();
	await vi.advanceTimersByTimeAsync(TIMEOUT_MS - 1);
	exchange.beginTurn();
	expect(ends()).toBeNull();
	await vi.advanceTimersByTimeAsync(2);
	expect(ends()).toBe("queued");
});

it("begins anew for a request that is sent once more and has to wait for that", async () => {
	const { exchange, ends } = begin();
	exchange.beginTurn();
	await vi.advanceTimersByTimeAsync(TIMEOUT_MS - 1);
	exchange.waitIn(LINE);
	exchange.beginTurn();
	await vi.advanceTimersByTimeAsync(TIMEOUT_MS - 1);
	expect(ends()).toBeNull();
});

it("is over for one whose turn does not come within it, and not if that comes at the last moment", async () => {
	const [late, never] = [begin(), begin()];
	vi.advanceTimersByTime(TIMEOUT_MS);
	late.exchange.beginTurn();
	await vi.advanceTimersByTimeAsync(5);
	expect(late.ends()).toBeNull();
	expect(never.ends()).toBe("queued");
});

it("leaves too little of it for a response in its last tenth, until its turn comes", async () => {
	const { exchange } = begin();
	await vi.advanceTimersByTimeAsync(TIMEOUT_MS * 0.9);
	expect(exchange.isLate).toBe(false);
	await vi.advanceTimersByTimeAsync(1);
	expect(exchange.isLate).toBe(true);
	exchange.beginTurn();
	expect(exchange.isLate).toBe(false);
});

it("ends an exchange that is taken out of the line because it is over: nothing was sent", async () => {
	const { exchange, ends } = begin();
	exchange.beginTurn();
	vi.advanceTimersByTime(TIMEOUT_MS);
	expect(exchange.isDue).toBe(true);
	exchange.expire();
	expect(ends()).toBe("timeout");
});
