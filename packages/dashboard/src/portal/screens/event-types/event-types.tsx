// The events that the customer can be told about, with what each means and an example.
import { Head } from "../../parts/head.tsx";
import { JsonBlock } from "../../parts/json-block.tsx";
import { Loading } from "../../parts/loading.tsx";
import { useEventTypes } from "../../session/queries.ts";
import { useTexts } from "../../texts/reader.tsx";

export function EventTypesScreen() {
	const texts = useTexts();
	const { data: types, error } = useEventTypes();
	return (
		<div className="stack">
			<Head title={texts.eventTypes} />
			{types === undefined ? (
				<Loading error={error} />
			) : types.length === 0 ? (
				<p className="card empty">{texts.types.none}</p>
			) : (
				<>
					<p className="flat dim">{texts.types.intro}</p>
					<ul className="card rows">
						{types.map(({ name, description, exampleText }) => (
							<li key={name} className="row-block">
								<h2>
									<code dir="ltr">{name}</code>
								</h2>
								<p className="flat dim">
									<bdi>{description ?? texts.types.noText}</bdi>
								</p>
								{exampleText !== null && (
									<details className="example">
										<summary>{texts.types.example}</summary>
										<JsonBlock text={exampleText} label={`${texts.types.example}: ${name}`} />
									</details>
								)}
							</li>
						))}
					</ul>
				</>
			)}
		</div>
	);
}
