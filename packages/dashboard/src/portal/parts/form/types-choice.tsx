// Which events an endpoint gets: all, or some of the list with what each of them means.
import type { EventTypeAsText } from "@fanfare/sdk";
import { useId } from "react";

import { useEventTypes } from "../../session/queries.ts";
import { useTexts } from "../../texts/reader.tsx";
import { JsonBlock } from "../json-block.tsx";

interface TypesChoiceProps {
	/** Null for all. */
	readonly chosen: readonly string[] | null;
	readonly error?: string | undefined;
	readonly onChange: (chosen: readonly string[] | null) => void;
}

export function TypesChoice({ chosen, error, onChange }: TypesChoiceProps) {
	const { add } = useTexts();
	const id = useId();
	const { data: types = [] } = useEventTypes();
	// Also what was chosen before and is not in the list, such as `order.*`.
	const others = (chosen ?? []).filter((name) => types.every((type) => type.name !== name));
	if (types.length === 0 && others.length === 0) return null;
	const toggle = (name: string, isOn: boolean) =>
		onChange(isOn ? [...(chosen ?? []), name] : (chosen ?? []).filter((one) => one !== name));
	return (
		<fieldset className="field" aria-describedby={error === undefined ? undefined : `${id}-error`}>
			<legend>{add.types}</legend>
			<label className="choice">
				<input type="radio" name={id} checked={chosen === null} onChange={() => onChange(null)} />
				<span>{add.allTypes}</span>
			</label>
			<label className="choice">
				<input type="radio" name={id} checked={chosen !== null} onChange={() => onChange([])} />
				<span>{add.someTypes}</span>
			</label>
			{chosen !== null && (
				<ul className="types">
					{types.map((type) => (
						<li key={type.name}>
							<TypeChoice type={type} isOn={chosen.includes(type.name)} onToggle={(isOn) => toggle(type.name, isOn)} />
						</li>
					))}
					{others.map((name) => (
						<li key={name}>
							<label className="choice">
								<input type="checkbox" checked onChange={() => toggle(name, false)} />
								<code>{name}</code>
							</label>
						</li>
					))}
				</ul>
			)}
			{error !== undefined && (
				<p id={`${id}-error`} className="field-error" role="alert">
					{error}
				</p>
			)}
		</fieldset>
	);
}

interface TypeChoiceProps {
	readonly type: EventTypeAsText;
	readonly isOn: boolean;
	readonly onToggle: (isOn: boolean) => void;
}

function TypeChoice({ type: { name, description, exampleText }, isOn, onToggle }: TypeChoiceProps) {
	const { types } = useTexts();
	return (
		<>
			<label className="choice">
				<input type="checkbox" checked={isOn} onChange={({ currentTarget }) => onToggle(currentTarget.checked)} />
				<span>
					<code dir="ltr">{name}</code>
					{description !== null && <bdi className="dim choice-text">{description}</bdi>}
				</span>
			</label>
			{exampleText !== null && (
				<details className="example">
					<summary>{types.example}</summary>
					<JsonBlock text={exampleText} label={`${types.example}: ${name}`} />
				</details>
			)}
		</>
	);
}
