// The stepper: turns, waits, failures, and its end.
import { setImmediate as nextTurn } from "node:timers/promises";

import { describe, expect, it } from "vitest";

import { ManualClock } from "../../core/manual-clock.ts";
import { RecordingObserver } from "../test/test-engine.ts";
import { Stepper, type Stepped } from "./stepper.ts";

function setUp(traffic = { waitingSends: 0, busy: false }) {
	const clock = new ManualClock();
	const observer = new RecordingObserver();
	const near = {
		committer: {
			get waitingSends() {
				return traffic.waitingSends;
			},
			writtenRows: 0,
		},
		line: {
			get busy() {
				return traffic.busy;
			},
		},
	};
	const stepper = new Stepper({ clock, observer }, near);
	const made: string[] = [];
	/** A job with these results of its steps; a result can be an error. */
	const job = (projectId: string, key: string, results: (Stepped<string> | Error)[]) => ({
		key,
		projectId,
		problem: `${key} failed`,
		step: async () => {
			made.push(key);
			await nextTurn();
			const result = results.shift() ?? { kind: "done", result: key };
			if (result instanceof Error) throw result;
			return result;
		},
	});
	return { clock, observer, stepper, made, job, traffic };
}

const MORE: Stepped<string> = { kind: "more" };
const settle = async () => {
	for (let n = 0; n < 20; n++) await nextTurn();
};

describe("the stepper", () => {
	it("makes one step at a time, in turns by project and then by job", async () => {
		const { stepper, made, job } = setUp();
		const jobs = [job("a", "a1", [MORE, MORE]), job("a", "a2", [MORE]), job("b", "b1", [MORE]), job("a", "a3", [])];
		const results = await Promise.all(jobs.map((each) => stepper.run(each)));
		expect(results).toEqual(["a1", "a2", "b1", "a3"]);
		expect(made).toEqual(["a1", "b1", "a2", "b1", "a3", "a1", "a2", "a1"]);
	});

	it("lets other jobs go on while one waits for what its step has begun", async () => {
		const { stepper, made, job } = setUp();
		const begun = Promise.withResolvers<void>();
		const waiting = stepper.run(job("a", "a1", [{ kind: "more", after: begun.promise }]));
		expect(await stepper.run(job("b", "b1", [MORE, MORE]))).toBe("b1");
		expect(await stepper.run(job("a", "a2", []))).toBe("a2");
		await settle();
		expect(made.filter((key) => key === "a1")).toHaveLength(1);
		begun.resolve();
		expect(await waiting).toBe("a1");
		expect(made.filter((key) => key === "a1")).toHaveLength(2);
	});

	it("shares a job that is under way, and makes a new one once it has ended", async () => {
		const { stepper, made, job } = setUp();
		const [first, second] = [stepper.run(job("a", "k", [MORE])), stepper.run(job("a", "k", [MORE, MORE, MORE]))];
		expect(await Promise.all([first, second])).toEqual(["k", "k"]);
		expect(made).toEqual(["k", "k"]);
		await stepper.run(job("a", "k", []));
		expect(made).toHaveLength(3);
	});

	it("goes on with others while a job waits for something", async () => {
		const { clock, stepper, made, job } = setUp();
		const waiting = stepper.run(job("a", "waits", [{ kind: "wait", ms: 50 }]));
		await stepper.run(job("a", "other", [MORE]));
		await settle();
		expect(made).toEqual(["waits", "other", "other"]);
		clock.advance(49);
		await settle();
		expect(made).toHaveLength(3);
		clock.advance(1);
		expect(await waiting).toBe("waits");
	});

	it("tells whoever waits of a failed step, reports it, and makes the step again later", async () => {
		const { clock, observer, stepper, made, job } = setUp();
		const failing = job("a", "fails", [new Error("on purpose")]);
		await expect(stepper.run(failing)).rejects.toThrow("on purpose");
		expect(observer.problems).toMatchObject([{ message: "fails failed", facts: { projectId: "a" } }]);
		const again = stepper.run(job("a", "fails", []));
		await settle();
		expect(made).toEqual(["fails"]);
		clock.advance(1_000);
		expect(await again).toBe("fails");
		expect(made).toEqual(["fails", "fails"]);
	});

	it("pauses between two steps while there is live traffic", async () => {
		const { clock, stepper, made, job, traffic } = setUp({ waitingSends: 1, busy: false });
		const ended = stepper.run(job("a", "k", [MORE, MORE]));
		await settle();
		expect(made).toHaveLength(1);
		clock.advance(5);
		await settle();
		expect(made).toHaveLength(2);
		traffic.waitingSends = 0;
		clock.advance(5);
		await ended;
	});

	it("ends after the step under way, and says so to whoever waits", async () => {
		const { stepper, made, job } = setUp();
		const waiting = stepper.run(job("a", "k", [MORE, MORE, MORE]));
		const stopped = stepper.stop();
		await expect(waiting).rejects.toMatchObject({ code: "shutting_down" });
		await stopped;
		await settle();
		expect(made).toEqual(["k"]);
		await expect(stepper.run(job("a", "late", []))).rejects.toMatchObject({ code: "shutting_down" });
	});
});
