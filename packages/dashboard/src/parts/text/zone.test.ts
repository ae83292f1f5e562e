import { expect, it } from "vitest";

import { nearForm } from "./zone.ts";

const NOW = Date.parse("2026-11-28T01:30:00Z");

it.each([
	["2026-11-28T00:33:51Z", "clock"],
	["2026-11-28T23:59:59Z", "clock"],
	["2026-11-27T20:22:03Z", "short"],
	["2026-11-29T00:00:00Z", "short"],
])("at half past one at night, %s is written in the form %s", (at, form) => {
	expect(nearForm(Date.parse(at), NOW, "utc")).toBe(form);
});
