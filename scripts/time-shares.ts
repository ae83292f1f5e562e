// Where the time of a run goes, as lines of text: each part with its seconds and its share of the whole.

/** A part of a run. */
export interface Timed {
	readonly name: string;
	readonly ms: number;
}

/** More rows than this would not be read. The rest is one row. */
const MAX_ROWS = 10;

/**
 * A title and a row for each part, the longest first. Shares are of the sum of all parts.
 *
 * @example
 * timeShares("Time by step", [{ name: "npm test", ms: 90_000 }, { name: "npm ci", ms: 10_000 }]);
 * // ["Time by step:", "  90 s  90 %  npm test", "  10 s  10 %  npm ci"]
 */
export function timeShares(title: string, parts: readonly Timed[]): string[] {
	const sorted = parts.toSorted((a, b) => b.ms - a.ms);
	const shown = sorted.length > MAX_ROWS ? sorted.slice(0, MAX_ROWS - 1) : sorted;
	const rest = sorted.slice(shown.length);
	const rows = rest.length === 0 ? shown : [...shown, { name: `${rest.length} others`, ms: sum(rest) }];
	const whole = Math.max(1, sum(parts));
	const seconds = (ms: number) => (ms / 1_000).toFixed(ms < 9_950 ? 1 : 0);
	const width = Math.max(...rows.map(({ ms }) => seconds(ms).length));
	return [
		`${title}:`,
		...rows.map(({ name, ms }) => {
			const share = Math.round((100 * ms) / whole);
			return `  ${seconds(ms).padStart(width)} s ${String(share).padStart(3)} %  ${name}`;
		}),
	];
}

/**
 * The suite that a test file belongs to: the room in a package's `src`, the package's other folders, or a folder of the
 * repository.
 *
 * @example
 * suiteOf("packages/server/src/engine/live/live.test.ts"); // "packages/server/src/engine"
 */
export function suiteOf(path: string): string {
	const folders = path.split("/").slice(0, -1);
	if (folders[0] !== "packages") return folders[0] ?? ".";
	return folders.slice(0, folders[2] === "src" ? 4 : 3).join("/");
}

/** The files' times, added up by suite. */
export function bySuite(files: readonly Timed[]): Timed[] {
	const suites = Map.groupBy(files, ({ name }) => suiteOf(name));
	return [...suites].map(([name, members]) => ({ name, ms: sum(members) }));
}

/** Reads lines such as `12 npm run lint`: seconds and the name of a step. */
export function parseSteps(text: string): Timed[] {
	return [...text.matchAll(/^(\d+) (.+)$/gm)].map(([, seconds, name = ""]) => ({ name, ms: Number(seconds) * 1_000 }));
}

function sum(parts: readonly Timed[]): number {
	return parts.reduce((total, { ms }) => total + ms, 0);
}
