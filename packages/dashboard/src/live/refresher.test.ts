// When something is refreshed that is wanted often.
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { Refresher } from "./refresher.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Each refresh ends when its function in `ends` is called. */
function make(afterMs = () => 1_000) {
	const ends: (() => void)[] = [];
	const refresher = new Refresher(() => new Promise<void>((resolve) => ends.push(resolve)), afterMs);
	return { refresher, ends };
}

it("once for all that want it until then, and again when it is wanted after that", async () => {
	const { refresher, ends } = make();
	refresher.want();
	refresher.want();
	expect(ends.length).toBe(0);
	await vi.advanceTimersByTimeAsync(60_000);
	ends[0]!();
	await vi.advanceTimersByTimeAsync(60_000);
	expect(ends.length).toBe(1);
	refresher.want();
	await vi.advanceTimersByTimeAsync(60_000);
	expect(ends.length).toBe(2);
});

it("not while it is under way, however long that takes, and once more then", async () => {
	const { refresher, ends } = make();
	refresher.want();
	await vi.advanceTimersByTimeAsync(60_000);
	for (let time = 0; time < 3; time++) {
		refresher.want();
		await vi.advanceTimersByTimeAsync(60_000);
	}
	expect(ends.length).toBe(1);
	ends[0]!();
	await vi.advanceTimersByTimeAsync(60_000);
	expect(ends.length).toBe(2);
	ends[1]!();
	await vi.advanceTimersByTimeAsync(60_000);
	expect(ends.length).toBe(2);
});

it("after as long as is right then", async () => {
	let afterMs = 1_000;
	const { refresher, ends } = make(() => afterMs);
	refresher.want();
	await vi.advanceTimersByTimeAsync(1_000);
	refresher.want();
	afterMs = 30_000;
	ends[0]!();
	await vi.advanceTimersByTimeAsync(29_999);
	expect(ends.length).toBe(1);
	await vi.advanceTimersByTimeAsync(1);
	expect(ends.length).toBe(2);
});

it("not after its end", async () => {
	const { refresher, ends } = make();
	refresher.want();
	refresher.end();
	refresher.want();
	await vi.advanceTimersByTimeAsync(60_000);
	expect(ends.length).toBe(0);
});
