// What the processes of a cluster do: each does everything, or some answer calls and others deliver.
import { pick, type Random } from "@fanfare/testkit/seeded-random";

/** The values of `FANFARE_ROLE`. */
export type Role = "all" | "api" | "worker";

/** Processes that are equal, as older versions know them. */
export const EQUAL: readonly Role[] = ["all", "all", "all"];
/** One of each kind: whichever ends, another one answers calls and another one delivers. */
export const EACH_ROLE: readonly Role[] = ["api", "worker", "all"];
/** No process does everything. */
export const APART: readonly Role[] = ["api", "api", "worker", "worker"];

/** The roles of a round whose fault does not set them. The first process answers calls. */
export function drawRoles(random: Random): readonly Role[] {
	return pick(random, [EQUAL, EACH_ROLE]);
}

export function answersCalls(role: Role): boolean {
	return role !== "worker";
}

export function delivers(role: Role): boolean {
	return role !== "api";
}
