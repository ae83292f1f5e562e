// Numbers that sum something up, side by side.
import type { ReactNode } from "react";

export interface Summary {
	readonly name: string;
	readonly value: ReactNode;
	readonly tone?: "good" | "bad" | "warn";
	readonly detail?: ReactNode;
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
