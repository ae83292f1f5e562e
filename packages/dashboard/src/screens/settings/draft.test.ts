// What is typed into the form of the settings, in Node.
import { expect, it } from "vitest";

import { draftOf, errorsOf, isChanged, toUpdate } from "./draft.ts";
import { LIMITS, type Limit } from "./project-query.ts";

const none = Object.fromEntries(LIMITS.map((limit) => [limit, null])) as Record<Limit, null>;
const saved = draftOf({
	id: "proj_1",
	name: "Shop",
	createDate: 0,
	eventTypePolicy: "open",
	revision: 7,
	limits: { ...none, maxEventsPerSecond: 10 },
});

it("becomes a call with what was changed alone, and on which revision", () => {
	expect(toUpdate({ ...saved, name: " Shop " }, saved, 7)).toEqual({ revision: 7 });
	expect(isChanged({ ...saved, name: " Shop ", maxEventsPerSecond: " 10" }, saved)).toBe(false);
	for (const part of [
		{ name: "" },
		{ retentionDays: "soon" },
		{ eventTypes: "catalogued" },
		{ maxEventsPerSecond: " " },
	] as const)
		expect([part, isChanged({ ...saved, ...part }, saved)]).toEqual([part, true]);
	const draft = { ...saved, eventTypes: "catalogued", retentionDays: " 30 ", maxEventsPerSecond: "" } as const;
	const changes = { eventTypes: "catalogued", retentionDays: 30, maxEventsPerSecond: null };
	expect(toUpdate(draft, saved, 7)).toEqual({ ...changes, revision: 7 });
	expect(errorsOf(draft)).toEqual({});
	expect(Object.keys(errorsOf({ ...draft, name: " ", retentionDays: "soon" }))).toEqual(["name", "retentionDays"]);
});
