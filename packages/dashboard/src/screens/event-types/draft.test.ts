// Saves of event types that are refused because of themselves.
import { ConflictError, type EventTypeAsText, type ProjectHandle } from "@fanfare/sdk";
import { expect, it } from "vitest";

import { saveType } from "./draft.ts";

function refused() {
	const details = { status: 409, code: "revision_conflict", requestId: null, issues: [], retryAfterMs: null };
	return Promise.reject(new ConflictError("Changed by somebody else", details));
}

it("a save that is refused because of itself brings what others have made of it since", async () => {
	const before = { name: "order.paid", revision: 1, description: "old", schemaText: null, exampleText: null };
	const stored = { ...before, revision: 3, description: "new", schemaText: '{"type":"object"}' };
	const types = { update: () => refused(), getAsText: () => Promise.resolve(stored) };
	const handle = types as unknown as ProjectHandle["eventTypes"];
	const saved = saveType(handle, before as EventTypeAsText, { revision: 1, description: "new" });
	expect(await saved).toEqual(stored);
	const other = saveType(handle, before as EventTypeAsText, { revision: 1, description: "other" });
	await expect(other).rejects.toThrow("Changed by");
});
