// Changes in doubt whose results are needed: the store is asked until it can say.
import { describe, expect, it } from "vitest";

import { ManualClock } from "../../core/manual-clock.ts";
import { StoreError, StoreInDoubtError, type Settled } from "../../ports/store/errors.ts";
import { eventually } from "../test/test-engine.ts";
import { settled } from "./settled.ts";

const GOES_ON = () => false;

/** A change that fails so, and the answers to what is asked then; the last one is given again and again. */
function doubtful(...answers: readonly (Settled | "away")[]) {
	const asked = { count: 0 };
	const settle = () => {
		const answer = answers[Math.min(asked.count++, answers.length - 1)] ?? "away";
		return answer === "away"
			? Promise.reject(new StoreError("store_unavailable", "it is away"))
			: Promise.resolve(answer);
	};
	return { asked, change: () => Promise.reject<string>(new StoreInDoubtError("the answer was lost", { settle })) };
}

describe("a change in doubt", () => {
	it("resolves with its result when the store says that it was made", async () => {
		const clock = new ManualClock();
		const { asked, change } = doubtful("away", "away", { isMade: true, result: "done" });
		const result = settled(clock, change(), GOES_ON);
		await eventually("it is asked a third time", () => {
			clock.advance(250);
			return asked.count === 3;
		});
		expect(await result).toBe("done");
	});

	it("rejects when the store says that it was not made, and is in doubt no more", async () => {
		const failure: unknown = await settled(new ManualClock(), doubtful({ isMade: false }).change(), GOES_ON).catch(
			(error: unknown) => error,
		);
		expect(failure).toMatchObject({ code: "store_unavailable" });
		expect(failure).not.toBeInstanceOf(StoreInDoubtError);
	});

	it("stays in doubt if the store can't say within ten seconds, or never can", async () => {
		const clock = new ManualClock();
		const { asked, change } = doubtful("away");
		let isOver = false;
		const result = settled(clock, change(), GOES_ON).catch((error: unknown) => {
			isOver = true;
			return error;
		});
		await eventually("it gives up", () => {
			clock.advance(250);
			return isOver;
		});
		expect(await result).toBeInstanceOf(StoreInDoubtError);
		expect(asked.count).toBeGreaterThan(30);
		const never = new StoreInDoubtError("the thread has ended");
		await expect(settled(clock, Promise.reject(never), GOES_ON)).rejects.toBe(never);
	});

	it("stays in doubt when nobody asks any more, since the engine is stopped", async () => {
		const { asked, change } = doubtful("away");
		const result = settled(new ManualClock(), change(), () => asked.count === 0);
		await expect(result).rejects.toBeInstanceOf(StoreInDoubtError);
		expect(asked.count).toBe(0);
	});

	it("is any other change, too, as it is", async () => {
		const failure = new StoreError("store_full", "no space");
		await expect(settled(new ManualClock(), Promise.reject(failure), GOES_ON)).rejects.toBe(failure);
		expect(await settled(new ManualClock(), Promise.resolve(1), GOES_ON)).toBe(1);
	});
});
