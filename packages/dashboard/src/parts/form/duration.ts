// Durations as people type them: `30s`, `15 min`, `8h`, `5d`. A number alone is seconds.
const UNITS: readonly (readonly [pattern: RegExp, ms: number])[] = [
	[/^ms$/, 1],
	[/^(|s|secs?|seconds?)$/, 1_000],
	[/^(m|mins?|minutes?)$/, 60_000],
	[/^(h|hours?)$/, 3_600_000],
	[/^(d|days?)$/, 86_400_000],
];

/** In milliseconds; null if the text is no duration. */
export function parseDuration(text: string): number | null {
	const [, amount, unit = ""] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/.exec(text.trim().toLowerCase()) ?? [];
	const found = UNITS.find(([pattern]) => pattern.test(unit));
	return amount === undefined || found === undefined ? null : Math.round(Number(amount) * found[1]);
}

/** The largest unit that shows it exactly: `8h`. */
export function writeDuration(ms: number): string {
	if (ms === 0) return "0s";
	if (ms % 86_400_000 === 0) return `${ms / 86_400_000}d`;
	if (ms % 3_600_000 === 0) return `${ms / 3_600_000}h`;
	if (ms % 60_000 === 0) return `${ms / 60_000}min`;
	return ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`;
}
