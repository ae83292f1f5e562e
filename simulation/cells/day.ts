// Simulates a day of many projects on several cells, minute by minute: how busy each cell is, and how long sends wait that it can't take at
// once.
import { between, pickByWeight, seededRandom, type Random } from "@fanfare/testkit/seeded-random";

import type { Inputs } from "./inputs.ts";

export const MINUTES = 1_440;
const HOUR = 60;
/** A project's load at its busiest time of the day is this much above its mean, and as much below it twelve hours later. */
const DAILY_SWING = 0.6;
/** By minute after the busiest one. */
const DAILY = Float64Array.from({ length: MINUTES }, (_, minute) => {
	return 1 + DAILY_SWING * Math.cos((minute / MINUTES) * 2 * Math.PI);
});
/** Where projects' customers live: their share, and the minute (UTC) at which they are busiest, give or take some hours. */
const REGIONS = [
	{ weight: 0.4, peakMinute: 19 * HOUR },
	{ weight: 0.35, peakMinute: 13 * HOUR },
	{ weight: 0.25, peakMinute: 5 * HOUR },
];
const PEAK_SPREAD = 4 * HOUR;
/** The 99th percentile of the normal distribution. */
const P99 = 2.326;

/** How projects get their cell. `balanced`: the largest first, each to the cell with the least load. `hashed`: by chance. */
export const ASSIGNMENTS = ["balanced", "hashed"] as const;
export type Assignment = (typeof ASSIGNMENTS)[number];

export interface Project {
	/** Its share of all deliveries. */
	readonly share: number;
	/** The minute of the day (UTC) at which it is busiest. */
	readonly peakMinute: number;
}

/** What a cell's primary takes at the most, in deliveries a second, and what decides that. */
export interface Capacity {
	readonly perSecond: number;
	readonly by: "CPU of the primary" | "WAL of the primary";
}

export interface Day {
	/** For each cell, the deliveries a second of each minute. */
	readonly loads: readonly Float64Array[];
	/** The load as a share of the capacity, for all minutes of all cells, ascending. */
	readonly uses: Float64Array;
	/** The longest time for which a send waits, or is refused and sent again, in seconds. */
	readonly longestWaitS: number;
	/** Minutes of a cell with more than it takes. */
	readonly overloadedMinutes: number;
}

export function capacityOf({ primaryCores, databaseUs, primaryWalMb, walBytes }: Inputs): Capacity {
	const byCpu = (primaryCores * 1e6) / databaseUs;
	const byWal = (primaryWalMb * 1e6) / walBytes;
	return byCpu < byWal
		? { perSecond: byCpu, by: "CPU of the primary" }
		: { perSecond: byWal, by: "WAL of the primary" };
}

/** As many as the busiest hour needs, at the planned share of their capacity. */
export function cellsFor(inputs: Inputs): number {
	return Math.ceil(inputs.deliveries / (capacityOf(inputs).perSecond * inputs.use));
}

/** The projects, the largest first. Their shares follow Zipf's law. */
export function makeProjects({ projects, skew, seed }: Inputs): readonly Project[] {
	const random = seededRandom(seed);
	const weights = Float64Array.from({ length: projects }, (_, index) => (index + 1) ** -skew);
	const total = weights.reduce((sum, weight) => sum + weight, 0);
	return Array.from(weights, (weight) => {
		const { peakMinute } = pickByWeight(random, REGIONS);
		const offset = Math.floor(between(random, -PEAK_SPREAD / 2, PEAK_SPREAD / 2));
		return { share: weight / total, peakMinute: (peakMinute + offset + MINUTES) % MINUTES };
	});
}

/** The cell of each project. */
export function assign(projects: readonly Project[], cells: number, how: Assignment, seed: number): readonly number[] {
	if (how === "hashed") {
		const random = seededRandom(seed + 1);
		return projects.map(() => Math.floor(random() * cells));
	}
	const loads = new Float64Array(cells);
	return projects.map(({ share }) => {
		const cell = loads.indexOf(Math.min(...loads));
		loads[cell] = (loads[cell] ?? 0) + share;
		return cell;
	});
}

/**
 * Simulates the day for each of several ways to assign the projects to cells: the same loads each time. What a cell can't take in a
 * minute is sent again in the next one.
 */
export function simulateDays(
	inputs: Inputs,
	projects: readonly Project[],
	assignments: readonly (readonly number[])[],
	cells: number,
): Day[] {
	const capacity = capacityOf(inputs).perSecond;
	return loadsOf(inputs, projects, assignments, cells).map((loads) => dayOf(loads, capacity));
}

function dayOf(loads: readonly Float64Array[], capacity: number): Day {
	let [longestWaitS, overloadedMinutes] = [0, 0];
	for (const load of loads) {
		let backlog = 0;
		for (const perSecond of load) {
			backlog = Math.max(0, backlog + (perSecond - capacity) * 60);
			if (perSecond > capacity) overloadedMinutes++;
			longestWaitS = Math.max(longestWaitS, backlog / capacity);
		}
	}
	const uses = Float64Array.from(loads.flatMap((load) => [...load])).map((perSecond) => perSecond / capacity);
	return { loads, uses: uses.sort(), longestWaitS, overloadedMinutes };
}

/** For each assignment, the load of each cell by minute. */
function loadsOf(
	{ deliveries, burst, seed }: Inputs,
	projects: readonly Project[],
	assignments: readonly (readonly number[])[],
	cells: number,
): Float64Array[][] {
	const random = seededRandom(seed + 2);
	const sigma = sigmaOf(burst);
	const totals = new Float64Array(MINUTES);
	const loads = assignments.map(() => Array.from({ length: cells }, () => new Float64Array(MINUTES)));
	for (const [index, { share, peakMinute }] of projects.entries()) {
		const own = Float64Array.from({ length: MINUTES }, (_, minute) => {
			const bursting = sigma === 0 ? 1 : Math.exp(sigma * normal(random) - sigma ** 2 / 2);
			return share * (DAILY[(minute - peakMinute + MINUTES) % MINUTES] ?? 1) * Math.min(bursting, burst);
		});
		addTo(totals, own);
		for (const [way, cellOf] of assignments.entries()) addTo(loads[way]?.[cellOf[index] ?? 0], own);
	}
	// So that the mean of the busiest hour of all is what was asked for.
	const scale = deliveries / busiestHour(totals);
	return loads.map((some) => some.map((load) => load.map((value) => value * scale)));
}

function addTo(sums: Float64Array | undefined, more: Float64Array): void {
	if (sums === undefined) return;
	for (let minute = 0; minute < MINUTES; minute++) sums[minute] = (sums[minute] ?? 0) + (more[minute] ?? 0);
}

/** The mean of the busiest hour. */
function busiestHour(perMinute: Float64Array): number {
	let sum = perMinute.subarray(0, HOUR).reduce((total, value) => total + value, 0);
	let most = sum;
	for (let end = HOUR; end < perMinute.length; end++) {
		sum += (perMinute[end] ?? 0) - (perMinute[end - HOUR] ?? 0);
		most = Math.max(most, sum);
	}
	return most / HOUR;
}

/** The σ of a log-normal distribution with the mean 1 whose 99th percentile is `burst`: the smaller solution of 2.326 σ − σ²/2 = ln(burst). */
function sigmaOf(burst: number): number {
	return P99 - Math.sqrt(Math.max(0, P99 ** 2 - 2 * Math.log(burst)));
}

/** A number of the normal distribution (Box–Muller). */
function normal(random: Random): number {
	return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
