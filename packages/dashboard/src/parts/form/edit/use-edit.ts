// The state of a form whose thing others may change while somebody writes.
import { useState } from "react";

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
	type Edit,
	type Version,
} from "./edit.ts";
import { useTakeBack } from "./unsaved.ts";

export interface EditState<Draft> {
	/** All of it, to be kept if it can't be saved. */
	readonly edit: Edit<Draft>;
	readonly draft: Draft;
	readonly base: Draft;
	readonly revision: number;
	readonly isTouched: boolean;
	readonly isMerged: boolean;
	/** What others have made of fields that were touched. Nothing can be saved until somebody has chosen. */
	readonly conflicts: readonly { readonly field: keyof Draft & string; readonly theirs: unknown }[];
	readonly setDraft: (draft: Draft) => void;
	readonly takeTheirs: (field: keyof Draft & string) => void;
	readonly keepMine: (field: keyof Draft & string) => void;
	readonly saved: (sent: Draft, saved: Version<Draft>) => void;
	/** To be called with the newest version that is known, except while it is saved: a newer version is then likely the one that was sent. */
	readonly follow: (latest: Version<Draft>) => void;
	/** The failure of a save, as long as the form does not show what it has led to: `OvertakenError` if saving again is all there is to do. */
	readonly errorOf: (save: { readonly error: Error | null; readonly variables: Sent | undefined }) => Error | null;
}

interface Sent {
	readonly revision: number;
}

/**
 * @param first what the form begins with
 * @param form which one it is, if what could not be saved is taken back into it
 * @example
 * const edit = useEdit(versionOf(webhook));
 * const save = useMutation({ …, onSuccess: (webhook, sent) => edit.saved(sent, versionOf(webhook)) });
 * if (!save.isPending) edit.follow(versionOf(webhook));
 */
export function useEdit<Draft extends object>(first: Version<Draft>, form = ""): EditState<Draft> {
	const [edit, setEdit] = useState<Edit<Draft>>(() => editOf(first));
	useTakeBack<Draft>(form, (unsaved) => setEdit((edit) => restore(edit, unsaved)));
	return {
		edit,
		draft: edit.draft,
		base: edit.base,
		revision: edit.revision,
		isTouched: isTouched(edit),
		isMerged: edit.isMerged,
		conflicts: conflictsOf(edit).map((field) => ({ field, theirs: edit.theirs[field] })),
		setDraft: (draft) => setEdit((edit) => write(edit, draft)),
		takeTheirs: (field) => setEdit((edit) => takeTheirs(edit, field)),
		keepMine: (field) => setEdit((edit) => keepMine(edit, field)),
		saved: (sent, saved) => setEdit((edit) => afterSave(edit, sent, saved)),
		follow: (latest) => {
			if (latest.revision <= edit.revision) return;
			setEdit((edit) => (latest.revision > edit.revision ? rebase(edit, latest) : edit));
		},
		errorOf: ({ error, variables }) => errorAfter(edit, error, variables?.revision ?? edit.revision),
	};
}
