// From rounds to lines: medians, ratios to the floor of the same round, and whether the budget is met.
import { median } from "@fanfare/testkit/report/percentiles";

import type { Round } from "../rounds.ts";
import type { Figure, Limit, Scenario } from "../scenario.ts";

export interface Line {
	readonly scenario: string;
	readonly label: string;
	readonly unit: Figure["unit"];
	/** Of all rounds, in order. */
	readonly values: readonly number[];
	readonly median: number;
	readonly floor: number | null;
	/** The median of the rounds' ratios, which a slow round does not bend. */
	readonly ratio: number | null;
	readonly limit: Limit | null;
	/** Null if there is nothing to meet. */
	readonly met: boolean | null;
}

export function summarise(scenarios: readonly Scenario[], rounds: readonly Round[]): Line[] {
	return scenarios.flatMap(({ name, budget }) => budget.map((figure) => summariseFigure(name, figure, rounds)));
}

function summariseFigure(scenario: string, figure: Figure, rounds: readonly Round[]): Line {
	const { measurement, label, unit, limit = null } = figure;
	const values = rounds.map((round) => valueOf(round, scenario, measurement));
	const floors = figure.floor === undefined ? [] : floorsOf(rounds, figure.floor);
	const floor = floors.length === 0 ? null : median(floors);
	const ratio =
		floors.length === 0 ? null : median(values.map((value, index) => value / (floors[index] ?? Number.NaN)));
	return {
		scenario,
		label,
		unit,
		values,
		median: median(values),
		floor,
		ratio,
		limit,
		met: limit === null ? null : isMet(limit, median(values), ratio),
	};
}

function isMet(limit: Limit, value: number, ratio: number | null): boolean {
	if ("atMost" in limit) return value <= limit.atMost;
	if ("atLeast" in limit) return value >= limit.atLeast;
	return ratio !== null && ratio >= limit.atLeastOfFloor;
}

function valueOf({ scenarios }: Round, scenario: string, measurement: string): number {
	const value = scenarios[scenario]?.[measurement];
	if (value === undefined) throw new Error(`the scenario ${scenario} did not measure ${measurement}`);
	return value;
}

function floorsOf(rounds: readonly Round[], name: NonNullable<Figure["floor"]>): number[] {
	return rounds.flatMap(({ floor }) => (floor === null ? [] : [floor[name]]));
}
