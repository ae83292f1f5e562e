// A time: how long ago or ahead, or a date; exact on hover.
import { useEffect, useState } from "react";

import { useReader } from "../texts/reader.tsx";

const TICK_MS = 10_000;

export function When({ at, form = "date" }: { readonly at: number; readonly form?: "date" | "distance" }) {
	const { formats } = useReader();
	const now = useNow();
	return (
		<time dateTime={new Date(at).toISOString()} title={formats.exact(at)}>
			{form === "date" ? formats.date(at) : formats.distance(at, now)}
		</time>
	);
}

/** The time now, read again every few seconds. */
export function useNow(): number {
	const [now, setNow] = useState(() => Date.now());
	useEffect(() => {
		const timer = setInterval(() => setNow(Date.now()), TICK_MS);
		return () => clearInterval(timer);
	}, []);
	return now;
}
