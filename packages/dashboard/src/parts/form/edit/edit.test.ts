// Edits of a thing that others change meanwhile.
import { expect, it } from "vitest";

import { afterSave, conflictsOf, editOf, isTouched, keepMine, rebase, restore, takeTheirs } from "./edit.ts";

const FIRST = { revision: 1, draft: { name: "shop", types: ["order.*"] as readonly string[], text: "" } };
const typed = (part: Partial<typeof FIRST.draft>) => ({ ...editOf(FIRST), draft: { ...FIRST.draft, ...part } });
const changed = (part: Partial<typeof FIRST.draft>, revision = 2) => ({ revision, draft: { ...FIRST.draft, ...part } });

it("follow a change elsewhere in fields that were not touched, and keep those that were", () => {
	const edit = rebase(typed({ name: "mine" }), changed({ types: ["user.*"] }));
	expect(edit).toMatchObject({ revision: 2, draft: { name: "mine", types: ["user.*"] }, isMerged: true });
	expect([conflictsOf(edit), isTouched(edit)]).toEqual([[], true]);
	expect(rebase(editOf(FIRST), changed({ name: "theirs" }))).toEqual(editOf(changed({ name: "theirs" })));
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
