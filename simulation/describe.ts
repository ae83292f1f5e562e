// How a failure is described, in a report that another process can print.
import type { SharingSettings } from "./history/steps.ts";
import type { SeedResult } from "./run-seed.ts";

export interface Failure {
	readonly breaches: readonly string[];
	/** The steps of the shortest history that still breaks a promise, after its settings. */
	readonly steps: readonly string[];
	/** The path of fast-check to that history. */
	readonly path: string;
}

export function describeFailure({ history, result, path }: NonNullable<SeedResult["failure"]>): Failure {
	const settings = [
		...(history.hasSmallLimits ? ["the server has small limits"] : []),
		...(history.sharing === undefined ? [] : [textOf(history.sharing)]),
		...(history.answersInOrder ? [] : ["answers of the store overtake each other"]),
	];
	return {
		breaches: result.breaches.map(({ promise, text }) => `${promise}: ${text}`),
		steps: [
			...settings,
			...history.steps.map(
				({ action, thenMs, engine }) =>
					`${engine === undefined ? "" : `engine ${engine}: `}${JSON.stringify(action)}, then ${thenMs === null ? "at once" : `${thenMs} ms`}`,
			),
		],
		path,
	};
}

function textOf({ engines, handsOff }: SharingSettings): string {
	return `${engines} engines share the store, and ${handsOff ? "hand deliveries to their owners" : "find deliveries in the store"}`;
}

/** The failure as text, with the command that replays it. */
export function renderFailure(seed: number, engines: number | null, { breaches, steps, path }: Failure): string {
	const ofEngines = engines === null ? "" : ` --engines ${engines}`;
	return [
		`seed ${seed} breaks a promise:`,
		...breaches.map((text) => `  ${text}`),
		"the shortest history found that does:",
		...steps.map((text) => `  ${text}`),
		`replay it with: npm run simulate -- --seed ${seed}${ofEngines} --path ${path} --trace`,
		"",
	].join("\n");
}
