// What others have made of the fields of a form meanwhile, to choose from. Nothing that was typed is lost by it.
import type { EditState } from "../../../parts/form/edit/use-edit.ts";
import { useTexts } from "../../texts/reader.tsx";
import { Note } from "../note.tsx";
import { Button } from "./button.tsx";

interface ChangedElsewhereProps<Draft> {
	readonly edit: Pick<EditState<Draft>, "conflicts" | "isMerged" | "takeTheirs" | "keepMine">;
	/** The labels of the fields. */
	readonly labels: Readonly<Record<keyof Draft & string, string>>;
	/** What a field says whose value is null. */
	readonly all: string;
}

export function ChangedElsewhere<Draft>({ edit, labels, all }: ChangedElsewhereProps<Draft>) {
	const { changed } = useTexts();
	const { conflicts, isMerged } = edit;
	if (conflicts.length === 0) return isMerged ? <Note tone="info" role="status" title={changed.merged} /> : null;
	return (
		<>
			<Note tone="warn" role="status" title={changed.title}>
				<p>{changed.text}</p>
			</Note>
			{conflicts.map(({ field, theirs }) => (
				<div key={field} className="ask" role="group" aria-label={labels[field]}>
					<p className="flat">
						{changed.now(labels[field])} <bdi className="strong address">{textOf(theirs) || changed.empty}</bdi>
					</p>
					<div className="bar">
						<Button onClick={() => edit.takeTheirs(field)}>{changed.theirs}</Button>
						<Button onClick={() => edit.keepMine(field)}>{changed.mine}</Button>
					</div>
				</div>
			))}
		</>
	);

	function textOf(theirs: unknown): string {
		if (theirs === null) return all;
		if (Array.isArray(theirs)) return theirs.join(", ");
		return typeof theirs === "string" ? theirs : JSON.stringify(theirs);
	}
}
