// What somebody makes of a thing that others may change meanwhile: field by field, so that neither side loses what it has written.
import { ConflictError } from "@fanfare/sdk";

/** A version of a thing, as the fields of its form. */
export interface Version<Draft> {
	/** Grows with each change. */
	readonly revision: number;
	readonly draft: Draft;
}

/**
 * - base: what the draft is compared with: fields that are equal were not touched.
 * - draft: what the fields show.
 * - theirs: what others have made of fields that were touched, until somebody chooses.
 */
export interface Edit<Draft> {
	/** The newest version that it takes into account. Saving names it, so that a newer one is not overwritten. */
	readonly revision: number;
	readonly base: Draft;
	readonly draft: Draft;
	readonly theirs: Partial<Draft>;
	/** Whether fields have changed under somebody who is writing into others. */
	readonly isMerged: boolean;
	/** Whether somebody has chosen between what was typed and theirs. */
	readonly isChosen: boolean;
}

export function editOf<Draft>({ revision, draft }: Version<Draft>): Edit<Draft> {
	return { revision, base: draft, draft, theirs: {}, isMerged: false, isChosen: false };
}

/** The fields about which somebody has to choose. */
export function conflictsOf<Draft>({ theirs }: Edit<Draft>): (keyof Draft & string)[] {
	return fieldsOf(theirs);
}

export function isTouched<Draft extends object>({ base, draft }: Edit<Draft>): boolean {
	return fieldsOf(draft).some((field) => !isSame(base[field], draft[field]));
}

/** After somebody else's change: fields that were not touched follow it, and those that were stay, with theirs beside them. */
export function rebase<Draft extends object>(
	edit: Edit<Draft>,
	{ revision, draft: other }: Version<Draft>,
): Edit<Draft> {
	const base = { ...edit.base };
	const draft = { ...edit.draft };
	const theirs: Partial<Draft> = {};
	let isMerged = edit.isMerged;
	for (const field of fieldsOf(other)) {
		const isUntouched = isSame(draft[field], base[field]);
		if (isSame(other[field], base[field])) continue;
		if (isUntouched || isSame(draft[field], other[field])) {
			isMerged ||= isUntouched;
			base[field] = draft[field] = other[field];
		} else theirs[field] = other[field];
	}
	return write({ ...edit, revision, base, theirs, isMerged }, draft);
}

/** After somebody has written. With nothing left to save, it is as it would be if nobody had been writing. */
export function write<Draft extends object>(edit: Edit<Draft>, draft: Draft): Edit<Draft> {
	const next = { ...edit, draft };
	return { ...next, isMerged: edit.isMerged && isTouched(next) };
}

export function takeTheirs<Draft extends object>(edit: Edit<Draft>, field: keyof Draft & string): Edit<Draft> {
	return write(keepMine(edit, field), { ...edit.draft, [field]: edit.theirs[field] });
}

/** Saving it writes over theirs. */
export function keepMine<Draft extends object>(edit: Edit<Draft>, field: keyof Draft & string): Edit<Draft> {
	const { [field]: other, ...theirs } = edit.theirs;
	return { ...edit, base: { ...edit.base, [field]: other }, theirs: theirs as Partial<Draft>, isChosen: true };
}

/** After `sent` was saved as `saved`: what was typed meanwhile stays, to be saved next. */
export function afterSave<Draft extends object>(edit: Edit<Draft>, sent: Draft, saved: Version<Draft>): Edit<Draft> {
	const draft = { ...saved.draft };
	for (const field of fieldsOf(draft)) {
		if (!isSame(edit.draft[field], sent[field])) draft[field] = edit.draft[field];
	}
	return { ...editOf(saved), draft };
}

/** A save was refused because of a change elsewhere, which leaves nothing to choose. */
export class OvertakenError extends Error {
	override readonly name = "OvertakenError";
	constructor() {
		super("It was changed elsewhere meanwhile, and what you typed does not touch that. Save again.");
	}
}

/**
 * What a form says after a save on `sentRevision` has failed with `error`. Nothing, if the edit has followed the change that the save was
 * refused for, and shows it, or somebody has chosen what to do about it; and nothing, if there is nothing left to save.
 */
export function errorAfter<Draft extends object>(
	edit: Edit<Draft>,
	error: Error | null,
	sentRevision: number,
): Error | null {
	if (!(error instanceof ConflictError) || sentRevision >= edit.revision) return error;
	const isShown = edit.isMerged || edit.isChosen || conflictsOf(edit).length > 0;
	return isShown || !isTouched(edit) ? null : new OvertakenError();
}

/** What was typed before, taken back into a form that was opened anew. Fields into which somebody has written since stay. */
export function restore<Draft extends object>(edit: Edit<Draft>, unsaved: Edit<Draft>): Edit<Draft> {
	const isNewer = edit.revision > unsaved.revision;
	const old = isNewer ? rebase(unsaved, { revision: edit.revision, draft: edit.base }) : unsaved;
	const [base, draft] = [{ ...old.base }, { ...old.draft }];
	const theirs: Partial<Draft> = { ...old.theirs };
	for (const field of fieldsOf(edit.draft)) {
		if (isSame(edit.draft[field], edit.base[field])) continue;
		draft[field] = edit.draft[field];
		base[field] = edit.base[field];
		if (field in edit.theirs) theirs[field] = edit.theirs[field];
		else delete theirs[field];
	}
	return write({ ...old, base, theirs }, draft);
}

function fieldsOf<Draft extends object>(draft: Draft): (keyof Draft & string)[] {
	return Object.keys(draft) as (keyof Draft & string)[];
}

/** Fields are texts and lists of texts. */
function isSame(one: unknown, other: unknown): boolean {
	return one === other || JSON.stringify(one) === JSON.stringify(other);
}
