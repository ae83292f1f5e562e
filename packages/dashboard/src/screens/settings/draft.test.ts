// What is taken back into the form of the settings, in Node.
import { expect, it } from "vitest";

import { editOf } from "../../parts/form/edit/edit.ts";
import { draftOf, takeBack, type Draft } from "./draft.ts";
import { LIMITS, type Limit } from "./project-query.ts";

const none = Object.fromEntries(LIMITS.map((limit) => [limit, null])) as Record<Limit, null>;
const saved = draftOf({
	id: "proj_1",
	name: "Shop",
	createDate: 0,
	eventTypePolicy: "open",
	limits: { ...none, maxEventsPerSecond: 10 },
});
const withLimit = (draft: Draft, text: string): Draft => ({
	...draft,
	limits: { ...draft.limits, maxEventsPerSecond: text },
});

it("takes back what was typed and could not be saved, but for fields into which somebody has written since", () => {
	const unsaved = { ...editOf({ revision: 0, draft: saved }), draft: withLimit({ ...saved, name: "Typed" }, "20") };
	expect(takeBack(saved, saved, unsaved)).toEqual(withLimit({ ...saved, name: "Typed" }, "20"));
	expect(takeBack({ ...saved, name: "Since" }, saved, unsaved)).toEqual(withLimit({ ...saved, name: "Since" }, "20"));
	expect(takeBack(withLimit(saved, "30"), saved, unsaved)).toEqual(withLimit({ ...saved, name: "Typed" }, "30"));
	// Others have saved something since, which is no writing into the form.
	const theirs = withLimit(saved, "40");
	expect(takeBack(theirs, theirs, unsaved)).toEqual(withLimit({ ...saved, name: "Typed" }, "20"));
});
