// The headers of a request or an answer, folded away.
import { PlainText } from "./plain-text.tsx";

interface HeaderListProps {
	/** Whose they are, such as `the request`. */
	readonly of: string;
	readonly headers: Readonly<Record<string, string>>;
}

export function HeaderList({ of, headers }: HeaderListProps) {
	const entries = Object.entries(headers);
	if (entries.length === 0) return null;
	return (
		<details className="fold">
			<summary>
				Headers of {of} <span className="dim num">{entries.length}</span>
			</summary>
			<dl className="facts mono headers">
				{entries.map(([name, value]) => (
					<div key={name} className="keys-row">
						<dt>{name}</dt>
						<dd>
							<PlainText text={value} />
						</dd>
					</div>
				))}
			</dl>
		</details>
	);
}
