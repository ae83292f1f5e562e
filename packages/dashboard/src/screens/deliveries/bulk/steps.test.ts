// The calls of changes of many deliveries: what is counted, and what a step after a failure does.
import { ApiError, type ManyChanged, type ManyFilter, type ProjectHandle } from "@fanfare/sdk";
import { expect, it, vi } from "vitest";

import { MatchingSteps, SelectedSteps } from "./steps.ts";

function refused(code: string): ApiError {
	return new ApiError(code, { status: 409, code, requestId: null, issues: [], retryAfterMs: null });
}

function handle(deliveries: object): Pick<ProjectHandle, "deliveries"> {
	return { deliveries: deliveries as ProjectHandle["deliveries"] };
}

const TEN = Array.from({ length: 10 }, (_, index) => `dlv_${index}`);

it("selected deliveries are changed eight at a time, refusals are passed over, and a failed one is called again", async () => {
	let isAway = true;
	const called: string[] = [];
	const retry = async (id: string) => {
		called.push(id);
		if (id === "dlv_1") throw refused("delivery_not_changeable");
		if (id === "dlv_7" && isAway) throw new Error("away");
	};
	const changed: string[] = [];
	const steps = new SelectedSteps(handle({ retry }), "retry", TEN, (ids) => changed.push(...ids));
	await expect(steps.next()).rejects.toThrow("away");
	expect(steps).toMatchObject({ changed: 6, refused: 1, left: 3 });
	isAway = false;
	expect(await steps.next()).toBe(false);
	expect(steps).toMatchObject({ changed: 9, refused: 1, left: 0 });
	expect(changed.toSorted()).toEqual(TEN.filter((id) => id !== "dlv_1"));
	expect(called).toEqual([...TEN.slice(0, 8), "dlv_7", "dlv_8", "dlv_9"]);
});

it("selected deliveries of which none can be changed end with the reason", async () => {
	const cancel = vi.fn(async (id: string) => {
		throw refused(id === "dlv_0" ? "delivery_not_found" : "delivery_not_changeable");
	});
	const steps = new SelectedSteps(handle({ cancel }), "cancel", TEN, () => expect.fail());
	expect(await steps.next()).toBe(true);
	await expect(steps.next()).rejects.toThrow("delivery_not_found");
	expect(steps).toMatchObject({ changed: 0, refused: 10, left: 0 });
});

it("all that match are changed page by page, and a page that has failed is called again", async () => {
	const answers: (Partial<ManyChanged> | Error)[] = [
		{ matched: 10_000, changed: 9_990, nextPage: "second" },
		new Error("away"),
		{ matched: 2_000, changed: 2_000, nextPage: null },
	];
	const asked: ManyFilter[] = [];
	const retryMany = async (filter: ManyFilter) => {
		asked.push(filter);
		const answer = answers.shift();
		if (answer instanceof Error) throw answer;
		return answer;
	};
	const steps = new MatchingSteps(handle({ retryMany }), "retry", { status: "Failed" }, 12_000);
	expect(steps.left).toBe(12_000);
	expect(await steps.next()).toBe(true);
	expect(steps).toMatchObject({ changed: 9_990, refused: 10, left: 2_000 });
	await expect(steps.next()).rejects.toThrow("away");
	expect(await steps.next()).toBe(false);
	expect(steps).toMatchObject({ changed: 11_990, refused: 10, left: 0 });
	expect(asked.map(({ page }) => page)).toEqual([undefined, "second", "second"]);
	expect(new MatchingSteps(handle({}), "cancel", {}, null).left).toBeNull();
});

it("of all that match, it is not known how many are left when more were changed than had been counted", async () => {
	const answers: Partial<ManyChanged>[] = [
		{ matched: 10_000, changed: 9_990, nextPage: "second" },
		{ matched: 2_000, changed: 2_000, nextPage: null },
	];
	const cancelMany = async () => answers.shift();
	const steps = new MatchingSteps(handle({ cancelMany }), "cancel", { status: "Held" }, 10_000);
	expect(steps.left).toBe(10_000);
	expect(await steps.next()).toBe(true);
	expect(steps).toMatchObject({ changed: 9_990, refused: 10, left: null });
	expect(await steps.next()).toBe(false);
	expect(steps).toMatchObject({ changed: 11_990, refused: 10, left: 0 });
});
