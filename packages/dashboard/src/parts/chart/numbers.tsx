// Numbers that sum something up, side by side.
import type { ReactNode } from "react";

import { Time } from "../text/time.tsx";

export interface Summary {
	readonly name: string;
	readonly value: ReactNode;
	readonly tone?: "good" | "bad" | "warn";
	readonly detail?: ReactNode;
}

/** Since when the oldest of those that wait does so; nothing if none waits. */
export function Since({ at }: { readonly at: number | null }) {
	if (at === null) return null;
	return (
		<>
			oldest <Time at={at} form="distance" />
		</>
	);
}

export function Numbers({ items }: { readonly items: readonly Summary[] }) {
	return (
		<dl className="numbers">
			{items.map(({ name, value, tone, detail }) => (
				<div key={name}>
					<dt className="dim">{name}</dt>
					<dd className={`number num ${tone === undefined ? "" : `text-${tone}`}`}>{value}</dd>
					{detail !== undefined && <dd className="dim number-detail">{detail}</dd>}
				</div>
			))}
		</dl>
	);
}
