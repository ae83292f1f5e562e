// Changes of many deliveries that are under way in a tab: their states, and that there is one for each list.
import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { BulkChanges, listOf, type BulkChange } from "./bulk-changes.ts";
import type { ChangeSteps } from "./steps.ts";

const PROJECT = "proj_1";
const LIST = listOf({ type: "order.*" });

/** Steps of one delivery each, which the test answers. */
class ManualSteps implements ChangeSteps {
	changed = 0;
	readonly refused = 0;
	left: number;
	readonly #calls: PromiseWithResolvers<void>[] = [];

	constructor(left: number) {
		this.left = left;
	}

	readonly next = async () => {
		const call = Promise.withResolvers<void>();
		this.#calls.push(call);
		await call.promise;
		this.changed += 1;
		this.left -= 1;
		return this.left > 0;
	};

	get calls(): number {
		return this.#calls.length;
	}

	async answer(error?: Error): Promise<void> {
		const call = this.#calls.at(-1);
		if (error === undefined) call?.resolve();
		else call?.reject(error);
		await vi.advanceTimersByTimeAsync(0);
	}
}

describe("changes of many deliveries", () => {
	let queryClient: QueryClient;
	let changes: BulkChanges;
	let told: string[];
	const all = () => queryClient.getQueryData<readonly BulkChange[]>(["bulk-changes"]) ?? [];
	const start = (steps: ChangeSteps, list = LIST, projectId = PROJECT) => {
		const onDone = vi.fn();
		changes.start({ projectId, action: "retry", list, listName: "", object: "3 selected deliveries", steps, onDone });
		return onDone;
	};

	beforeEach(() => {
		vi.useFakeTimers();
		queryClient = new QueryClient();
		told = [];
		changes = new BulkChanges(queryClient, (text) => told.push(text));
	});
	afterEach(() => {
		vi.useRealTimers();
	});

	it("tell how far they are, end with a message, and have their project fetched again", async () => {
		const steps = new ManualSteps(2);
		queryClient.setQueryData(["project", PROJECT, "deliveries"], []);
		const onDone = start(steps);
		expect(all()).toMatchObject([{ state: "running", changed: 0, left: 2, error: null }]);
		await steps.answer();
		expect(all()).toMatchObject([{ state: "running", changed: 1, left: 1 }]);
		expect(onDone).not.toHaveBeenCalled();
		await steps.answer();
		expect(all()).toEqual([]);
		expect(told).toEqual(["2 deliveries are tried again"]);
		expect(onDone).toHaveBeenCalledOnce();
		expect(queryClient.getQueryState(["project", PROJECT, "deliveries"])?.isInvalidated).toBe(true);
	});

	it("stay with what is done and why they have failed, until somebody goes on or dismisses them", async () => {
		const steps = new ManualSteps(3);
		start(steps);
		await steps.answer();
		await steps.answer(new Error("away"));
		const ended = { state: "ended", changed: 1, left: 2, error: new Error("away") };
		expect(all()).toMatchObject([ended]);
		await vi.advanceTimersByTimeAsync(3_600_000);
		expect(all()).toMatchObject([ended]);
		changes.goOn(all()[0]!.id);
		expect(all()).toMatchObject([{ state: "running", error: null }]);
		await steps.answer(new Error("away again"));
		changes.dismiss(all()[0]!.id);
		expect(all()).toEqual([]);
		expect([steps.calls, told]).toEqual([3, []]);
	});

	it("are not started twice for a list, whatever its statuses, nor gone on with beside another one", async () => {
		const [first, second, other] = [new ManualSteps(1), new ManualSteps(1), new ManualSteps(1)];
		start(first, listOf({ type: "order.*", status: "Failed", open: "dlv_1" }));
		start(second);
		expect(second.calls).toBe(0);
		expect(told).toEqual(["Retrying 3 selected deliveries is still under way"]);
		start(other, listOf({ type: "user.*" }));
		start(other, LIST, "proj_2");
		expect(other.calls).toBe(2);
		await first.answer(new Error("away"));
		const [{ id } = { id: "" }] = all();
		start(second);
		expect(second.calls).toBe(1);
		changes.goOn(id);
		expect(first.calls).toBe(1);
		await second.answer();
		changes.goOn(id);
		expect(first.calls).toBe(2);
	});

	it("end when somebody stops them, after the calls that are made, and go on from there", async () => {
		const steps = new ManualSteps(3);
		start(steps);
		const { id } = all()[0]!;
		changes.stop(id);
		expect(all()).toMatchObject([{ state: "stopping", changed: 0 }]);
		expect(changes.mayStart(PROJECT, LIST)).toBe(false);
		await steps.answer();
		expect(all()).toMatchObject([{ state: "ended", changed: 1, left: 2, error: null }]);
		changes.goOn(id);
		await steps.answer();
		await steps.answer();
		expect(all()).toEqual([]);
	});

	it("make no further call once they are gone from the cache, as after signing out", async () => {
		const steps = new ManualSteps(3);
		start(steps);
		queryClient.clear();
		await steps.answer();
		expect([steps.calls, all(), told]).toEqual([1, [], []]);
	});
});

it("a list is the same whatever the order of its filters, and another one with another filter", () => {
	expect(listOf({ type: "a", tag: "b" })).toBe(listOf({ tag: "b", type: "a", status: "Failed" }));
	expect(listOf({ type: "a" })).not.toBe(listOf({ type: "a", tag: "b" }));
});
