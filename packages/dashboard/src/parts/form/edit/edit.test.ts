// Edits of a thing that others change meanwhile.
import { ConflictError } from "@fanfare/sdk";
import { expect, it } from "vitest";

import {
	afterSave,
	conflictsOf,
	editOf,
	errorAfter,
	isTouched,
	keepMine,
	rebase,
	restore,
	takeTheirs,
	write,
} from "./edit.ts";

const FIRST = { revision: 1, draft: { name: "shop", types: ["order.*"] as readonly string[], text: "" } };
const typed = (part: Partial<typeof FIRST.draft>) => ({ ...editOf(FIRST), draft: { ...FIRST.draft, ...part } });
const changed = (part: Partial<typeof FIRST.draft>, revision = 2) => ({ revision, draft: { ...FIRST.draft, ...part } });

it("follow a change elsewhere in fields that were not touched, and keep those that were", () => {
	const edit = rebase(typed({ name: "mine" }), changed({ types: ["user.*"] }));
	expect(edit).toMatchObject({ revision: 2, draft: { name: "mine", types: ["user.*"] }, isMerged: true });
	expect([conflictsOf(edit), isTouched(edit)]).toEqual([[], true]);
	expect(rebase(editOf(FIRST), changed({ name: "theirs" }))).toEqual(editOf(changed({ name: "theirs" })));
});

it("say that something is not saved yet only while something is", () => {
	const merged = rebase(typed({ name: "mine" }), changed({ text: "theirs" }));
	expect(write(merged, { ...merged.draft, name: "more" }).isMerged).toBe(true);
	const undone = write(merged, merged.base);
	expect([undone.isMerged, isTouched(undone), undone.draft]).toEqual([false, false, changed({ text: "theirs" }).draft]);
	const both = rebase(typed({ name: "mine" }), changed({ name: "theirs", text: "theirs" }));
	expect([both.isMerged, takeTheirs(both, "name").isMerged, keepMine(both, "name").isMerged]).toEqual([
		true,
		false,
		true,
	]);
});

it("take no notice of a change of none of their fields", () => {
	expect(rebase(typed({ name: "mine" }), changed({}))).toEqual({ ...typed({ name: "mine" }), revision: 2 });
});

it("leave the choice where both have written, also if theirs changes again", () => {
	const once = rebase(typed({ name: "mine", text: "mine" }), changed({ name: "theirs", text: "theirs" }));
	expect(once.draft).toMatchObject({ name: "mine", text: "mine" });
	expect(once.theirs).toEqual({ name: "theirs", text: "theirs" });
	const again = rebase(once, changed({ name: "newer", text: "mine" }, 3));
	expect([again.theirs, again.draft.text, again.base.text]).toEqual([{ name: "newer" }, "mine", "mine"]);
	const taken = takeTheirs(again, "name");
	expect([conflictsOf(taken), taken.draft.name, taken.base.name, isTouched(taken)]).toEqual([
		[],
		"newer",
		"newer",
		false,
	]);
	const kept = keepMine(again, "name");
	expect([conflictsOf(kept), kept.draft.name, kept.base.name, isTouched(kept)]).toEqual([[], "mine", "newer", true]);
	expect(rebase(again, changed({}, 4)).theirs).toEqual({});
});

it("keep what was typed while they were saved", () => {
	const sent = typed({ name: "sent", text: "sent" });
	const now = { ...sent, draft: { ...sent.draft, text: "typed since" } };
	const saved = afterSave(now, sent.draft, changed({ name: "Sent", text: "Sent" }));
	expect(saved).toMatchObject({ revision: 2, base: { text: "Sent" }, draft: { name: "Sent", text: "typed since" } });
});

it("say of a refused save what the form does not show", () => {
	const details = { status: 409, code: "revision_conflict", requestId: null, issues: [], retryAfterMs: null };
	const refused = new ConflictError("Changed by somebody else", details);
	const mine = typed({ name: "mine" });
	// Nothing is known of the other change yet.
	expect(errorAfter(mine, refused, 1)).toBe(refused);
	// It touches no field: saving again is all there is to do.
	expect(errorAfter(rebase(mine, changed({})), refused, 1)?.name).toBe("OvertakenError");
	// The form shows it.
	expect(errorAfter(rebase(mine, changed({ name: "theirs" })), refused, 1)).toBe(null);
	expect(errorAfter(rebase(mine, changed({ text: "theirs" })), refused, 1)).toBe(null);
	// Somebody has chosen, and saves next.
	expect(errorAfter(keepMine(rebase(mine, changed({ name: "theirs" })), "name"), refused, 1)).toBe(null);
	// There is nothing left to save.
	expect(errorAfter(rebase(mine, changed({ name: "mine" })), refused, 1)).toBe(null);
	const lost = new Error("The server does not answer");
	expect(errorAfter(rebase(mine, changed({})), lost, 1)).toBe(lost);
});

it("take back what could not be saved, beside what others have made of it and what was typed since", () => {
	const unsaved = typed({ name: "mine", text: "mine" });
	const opened = editOf(changed({ name: "theirs" }));
	expect(restore(opened, unsaved)).toMatchObject({
		revision: 2,
		draft: { name: "mine", text: "mine" },
		theirs: { name: "theirs" },
	});
	const typing = { ...opened, draft: { ...opened.draft, name: "newest" } };
	const taken = restore(typing, unsaved);
	expect([taken.draft.name, taken.draft.text, taken.base.name, taken.theirs]).toEqual(["newest", "mine", "theirs", {}]);
	expect(restore(editOf(FIRST), unsaved)).toEqual(unsaved);
});
