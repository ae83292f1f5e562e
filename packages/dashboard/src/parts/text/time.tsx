// Times: short where they stand, exact on hover.
import { useEffect, useState } from "react";

import { CopyButton } from "./copy.tsx";
import { distance } from "./format.ts";
import { formatTime, nearForm, useZone } from "./zone.ts";

interface TimeProps {
	/** Milliseconds since the epoch. */
	readonly at: number;
	/** `auto` shows only the time of a time of today. Defaults to `auto`. */
	readonly form?: "auto" | "short" | "exact" | "day" | "distance";
}

export function Time({ at, form = "auto" }: TimeProps) {
	const [zone] = useZone();
	const now = useNow(form === "distance" ? 1_000 : 60_000);
	const exact = formatTime(at, "exact", zone);
	const shown =
		form === "distance" ? distance(at, now) : formatTime(at, form === "auto" ? nearForm(at, now, zone) : form, zone);
	return (
		<time dateTime={new Date(at).toISOString()} title={exact} className="num">
			{shown}
		</time>
	);
}

/** A time in full, with a button that copies it as ISO 8601. */
export function ExactTime({ at }: Pick<TimeProps, "at">) {
	const iso = new Date(at).toISOString();
	return (
		<>
			<Time at={at} form="exact" /> <CopyButton text={iso} label={`Copy ${iso}`} />
		</>
	);
}

/** The time now, read again every so many milliseconds. */
export function useNow(everyMs: number): number {
	const [now, setNow] = useState(() => Date.now());
	useEffect(() => {
		const timer = setInterval(() => setNow(Date.now()), everyMs);
		return () => clearInterval(timer);
	}, [everyMs]);
	return now;
}
