// Turns of requests: what begins at once, and in which order the others do.
import { describe, expect, it } from "vitest";

import { ManualClock } from "../../../core/manual-clock.ts";
import type { NodeRequest } from "../lean-path.ts";
import type { RequestOwner } from "./request-owner.ts";
import { RequestTurns } from "./request-turns.ts";

/** Turns whose event loop the test moves. Requests that begin take a millisecond each, and their owners are noted. */
function openTurns() {
	const next: (() => void)[] = [];
	const clock = new ManualClock(0, { nextTurn: (fire) => void next.push(fire) });
	const loop = { turn: 1 };
	const owners = new Map<NodeRequest, RequestOwner>();
	const begun: string[] = [];
	const turns = new RequestTurns({
		clock,
		loopTurn: () => loop.turn,
		ownerOf: (request) => owners.get(request) ?? { projectId: "", customerId: null },
	});
	const begin = (name: string) => {
		begun.push(name);
		clock.advance(1);
	};
	return {
		clock,
		begun,
		/** A request of a customer of a project has been read. */
		comes(projectId: string, customerId: string | null = null): void {
			const name = customerId === null ? projectId : `${projectId}/${customerId}`;
			if (turns.mayBegin()) return begin(name);
			const request = {} as NodeRequest;
			owners.set(request, { projectId, customerId });
			turns.wait(request, () => begin(name));
			return undefined;
		},
		/** What waits in this turn of the event loop happens, and the next one begins. */
		nextTurn(): void {
			for (const fire of next.splice(0)) fire();
			loop.turn++;
		},
		get isIdle(): boolean {
			return next.length === 0;
		},
	};
}

describe("requests", () => {
	it("begin at once, and cost the event loop no turn, if they come in turns of their own", () => {
		const test = openTurns();
		for (let n = 0; n < 10; n++) {
			test.comes("shop");
			expect(test.isIdle).toBe(true);
			test.nextTurn();
		}
		expect(test.begun).toHaveLength(10);
	});

	it("of one turn begin for two milliseconds, and those that come later wait in turns with other projects and customers", () => {
		const test = openTurns();
		for (let n = 0; n < 6; n++) test.comes("shop");
		test.comes("shop", "acme");
		test.comes("forum");
		expect(test.begun).toEqual(["shop", "shop"]);
		test.nextTurn();
		expect(test.begun.slice(2)).toEqual(["shop", "forum"]);
		// It comes after all others, and they go on to wait.
		test.comes("wiki");
		for (let turn = 0; turn < 3; turn++) test.nextTurn();
		expect(test.begun.slice(4)).toEqual(["shop/acme", "wiki", "shop", "shop", "shop"]);
		test.nextTurn();
		expect(test.isIdle).toBe(true);
		test.comes("shop");
		expect(test.begun).toHaveLength(10);
	});

	it("that take long let only one begin in a turn", () => {
		const test = openTurns();
		test.comes("shop");
		test.clock.advance(50);
		test.comes("shop");
		test.comes("forum");
		expect(test.begun).toEqual(["shop"]);
		test.nextTurn();
		expect(test.begun).toEqual(["shop", "shop", "forum"]);
	});
});
