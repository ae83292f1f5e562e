// How many requests of relays are remembered when they are over, and whose are forgotten first.
import { expect, it } from "vitest";

import { RememberedRequests } from "./remembered-requests.ts";

/** Notes the answers to requests of a project from one number to the one before another. */
function noteAnswers(requests: RememberedRequests, projectId: string, from: number, to: number): void {
	for (let n = from; n < to; n++) requests.noteAnswer(projectId, "webhook", `dlv.${n}`);
}

/** Of these requests of a project, those whose answers are remembered. */
function answered(requests: RememberedRequests, projectId: string, numbers: readonly number[]): readonly number[] {
	return numbers.filter((n) => requests.isAnswered(projectId, "webhook", `dlv.${n}`));
}

it("remembers the last 20,000 answers and the last 20,000 silences, where nothing else is said", () => {
	const requests = new RememberedRequests();
	noteAnswers(requests, "p", 0, 20_000);
	for (let n = 0; n < 20_000; n++) requests.countSilence("p", `silent.${n}`);
	// What is asked for counts as used: the first ones are now among the last.
	expect(answered(requests, "p", [0])).toEqual([0]);
	expect(requests.countSilence("p", "silent.0")).toBe(2);
	noteAnswers(requests, "p", 20_000, 20_001);
	requests.countSilence("p", "silent.20000");
	expect(answered(requests, "p", [1, 2, 0, 20_000])).toEqual([2, 0, 20_000]);
	expect(["silent.2", "silent.0", "silent.1"].map((id) => requests.countSilence("p", id))).toEqual([2, 3, 1]);
});

it("forgets those of the project that has most, and none of one that has few", () => {
	const requests = new RememberedRequests(6);
	noteAnswers(requests, "quiet", 0, 2);
	requests.countSilence("quiet", "silent");
	noteAnswers(requests, "busy", 0, 100);
	for (let n = 0; n < 100; n++) requests.countSilence("busy", `silent.${n}`);
	expect(answered(requests, "quiet", [0, 1])).toEqual([0, 1]);
	expect(answered(requests, "busy", [94, 95, 96, 97, 98, 99])).toEqual([96, 97, 98, 99]);
	expect(requests.countSilence("quiet", "silent")).toBe(2);
	expect(requests.countSilence("busy", "silent.0")).toBe(1);
});

it("knows an answer only of the relay and the project that the request was for, and forgets silences before it", () => {
	const requests = new RememberedRequests();
	expect(requests.countSilence("p", "dlv.1")).toBe(1);
	requests.noteAnswer("p", "webhook", "dlv.1");
	expect(requests.isAnswered("p", "webhook", "dlv.1")).toBe(true);
	expect(requests.isAnswered("p", "other", "dlv.1")).toBe(false);
	expect(requests.isAnswered("q", "webhook", "dlv.1")).toBe(false);
	expect(requests.countSilence("p", "dlv.1")).toBe(1);
});
