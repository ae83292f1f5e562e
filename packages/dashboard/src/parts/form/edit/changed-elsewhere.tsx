// What others have made of the fields of a form meanwhile, to choose from. Nothing that was typed is lost by it.
import { Button } from "@mantine/core";

import { Icon } from "../../layout/icon.tsx";
import type { EditState } from "./use-edit.ts";

interface ChangedElsewhereProps<Draft> {
	readonly edit: Pick<EditState<Draft>, "conflicts" | "isMerged" | "takeTheirs" | "keepMine">;
	/** The labels of the fields. */
	readonly labels: Readonly<Record<keyof Draft & string, string>>;
}

export function ChangedElsewhere<Draft>({ edit, labels }: ChangedElsewhereProps<Draft>) {
	const { conflicts, isMerged } = edit;
	if (conflicts.length === 0) {
		if (!isMerged) return null;
		return (
			<p className="note info flat" role="status">
				<Icon name="alert" />
				<span>
					It was changed elsewhere meanwhile: fields that you have not touched show that now. What you typed is not
					saved yet.
				</span>
			</p>
		);
	}
	return (
		<section className="note warn" aria-label="Changed elsewhere">
			<Icon name="alert" />
			<div className="stack">
				<p role="status">
					<strong>It was changed elsewhere since you opened it.</strong> What you typed is still in its field. Choose
					what to keep, then save.
				</p>
				{conflicts.map(({ field, theirs }) => (
					<div key={field} className="stack tight" role="group" aria-label={labels[field]}>
						<span>{labels[field]}, as saved now:</span>
						<pre className="code card-pad theirs" tabIndex={0} aria-label={`${labels[field]}, as changed elsewhere`}>
							{textOf(theirs)}
						</pre>
						<div className="bar">
							<Button size="compact-sm" variant="default" onClick={() => edit.takeTheirs(field)}>
								Take theirs
							</Button>
							<Button size="compact-sm" variant="default" onClick={() => edit.keepMine(field)}>
								Keep mine
							</Button>
						</div>
					</div>
				))}
			</div>
		</section>
	);
}

function textOf(value: unknown): string {
	const text = Array.isArray(value) ? value.join(", ") : String(value);
	return text === "" ? "(empty)" : text;
}
