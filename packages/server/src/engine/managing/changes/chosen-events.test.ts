// The events of a replay by ids: how many are looked up at once, so that others get their turn.
import { expect, it } from "vitest";

import { projectScope } from "../../../core/access/principal.ts";
import { findChosen } from "./chosen-events.ts";

it("looks up 100 events at once, in the order in which they were chosen", async () => {
	const asked: (readonly string[])[] = [];
	const ids = Array.from({ length: 201 }, (_, n) => `event_${n}`);
	const store = {
		eventsById: (_scope: unknown, some: readonly string[]) => {
			asked.push(some);
			return Promise.resolve(some.map((id) => ({ createDate: ids.indexOf(id) + 1, customers: null })));
		},
	};
	const chosen = await findChosen(store, projectScope("proj_a"), [], ids);
	expect(chosen).toEqual({ count: 201, since: 1, until: 202 });
	expect(asked.map(({ length }) => length)).toEqual([100, 100, 1]);
	expect(asked.flat()).toEqual(ids);
});
