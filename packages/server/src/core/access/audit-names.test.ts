// Which actions have an object with a name. A new action is added here, or its object has none.
import { expect, it } from "vitest";

import { namedPrefix } from "./audit-names.ts";
import { AUDIT_ACTIONS } from "./audit.ts";

it.each([
	["webhook", /^(webhook|relay)\.|^customer\.(pause|resume)$/],
	["key", /^(key|session)\.|^portal_session\.revoke_many$/],
	["proj", /^(project|delivery)\./],
	["evt", /^never$/],
] as const)("an object with an id of %s has a name only with actions on such objects", (prefix, pattern) => {
	const objectId = `${prefix}_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77`;
	const named = AUDIT_ACTIONS.filter((action) => namedPrefix({ action, objectId }) === prefix);
	expect(named).toEqual(AUDIT_ACTIONS.filter((action) => pattern.test(action)));
	expect(AUDIT_ACTIONS.filter((action) => namedPrefix({ action, objectId }) !== null)).toEqual(named);
});

it.each(["", ".", "constructor.update", "event_type.webhook.put"])("has none for the action %j", (action) => {
	expect(namedPrefix({ action, objectId: "webhook_1" })).toBe(null);
});

it("knows actions of other versions by what they are about", () => {
	expect(namedPrefix({ action: "webhook.repaint", objectId: "webhook_1" })).toBe("webhook");
	expect(namedPrefix({ action: "webhook.repaint", objectId: "webhook" })).toBe(null);
});
