// Two times between which something lies, one of which may be left out, in the browser's own fields.
import { Button, TextInput } from "@mantine/core";
import { useState, type FormEvent } from "react";

import { useZone, zoneName } from "../text/zone.ts";
import { parseMoment, writeMoment } from "./moment.ts";

interface TimeBetweenProps {
	/** In milliseconds since the epoch; undefined if it is not set. */
	readonly from: number | undefined;
	readonly before: number | undefined;
	readonly onApply: (from: number | undefined, before: number | undefined) => void;
	readonly onClose: () => void;
}

export function TimeBetween({ from, before, onApply, onClose }: TimeBetweenProps) {
	const [zone] = useZone();
	const textOf = (at: number | undefined) => (at === undefined ? "" : writeMoment(at, zone));
	const [texts, setTexts] = useState({ from: textOf(from), before: textOf(before) });
	const start = parseMoment(texts.from, zone) ?? undefined;
	const end = parseMoment(texts.before, zone) ?? undefined;
	const isTurned = start !== undefined && end !== undefined && start >= end;
	const apply = (event: FormEvent) => {
		event.preventDefault();
		onApply(start, end);
	};
	return (
		<form className="bar between" onSubmit={apply}>
			<TextInput
				type="datetime-local"
				label="From"
				autoFocus
				value={texts.from}
				error={isTurned ? "It must begin before it ends." : undefined}
				onChange={({ currentTarget: { value } }) => setTexts({ ...texts, from: value })}
			/>
			<TextInput
				type="datetime-local"
				label="Before"
				value={texts.before}
				onChange={({ currentTarget: { value } }) => setTexts({ ...texts, before: value })}
			/>
			<Button type="submit" size="xs" disabled={isTurned || (start === undefined && end === undefined)}>
				Apply
			</Button>
			<Button size="xs" variant="default" onClick={onClose}>
				Close
			</Button>
			<span className="dim">times in {zoneName(zone)}</span>
		</form>
	);
}
