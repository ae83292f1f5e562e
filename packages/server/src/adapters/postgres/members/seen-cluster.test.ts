// Who counts as silent, by what a member has heard of the others and the database's clock.
import { describe, expect, it } from "vitest";

import type { SeenMember } from "./member-rows.ts";
import { SeenCluster } from "./seen-cluster.ts";
import { MISSED_BEATS_MS, TENURE_MS } from "./timing.ts";

const OTHER = "member_other";

/** What a beat shows of the other member. */
function seen(beat: number, isExpired: boolean) {
	const member: SeenMember = { id: OTHER, number: 1, beat, isExpired, role: "all", isLeaving: false };
	return { isMember: true, members: [member], shards: [], freeDuties: [] };
}

describe("a member whose tenure has ended by the database's clock", () => {
	it("is silent when it has not been heard for a tenure", () => {
		const cluster = new SeenCluster();
		cluster.update(seen(7, false), 1_000);
		cluster.update(seen(7, true), 1_500);
		expect(cluster.isSilent(OTHER, 1_000 + TENURE_MS - 1)).toBe(false);
		expect(cluster.isSilent(OTHER, 1_000 + TENURE_MS)).toBe(true);
	});

	it("is not silent after a beat, however far the clock has stepped", () => {
		const cluster = new SeenCluster();
		cluster.update(seen(7, false), 1_000);
		cluster.update(seen(8, true), 1_500);
		expect(cluster.isSilent(OTHER, 1_000 + TENURE_MS)).toBe(false);
		expect(cluster.isSilent(OTHER, 1_500 + TENURE_MS)).toBe(true);
	});

	it("is silent soon if it had ended before this process joined, but not before a live one would have beaten again", () => {
		const cluster = new SeenCluster();
		cluster.update(seen(7, true), 1_000);
		expect(cluster.isSilent(OTHER, 1_000 + MISSED_BEATS_MS - 1)).toBe(false);
		expect(cluster.isSilent(OTHER, 1_000 + MISSED_BEATS_MS)).toBe(true);
	});

	it("is live if it beats after this process has joined, which it seemed to have been too late for", () => {
		const cluster = new SeenCluster();
		cluster.update(seen(7, true), 1_000);
		cluster.update(seen(8, true), 1_500);
		expect(cluster.isSilent(OTHER, 1_000 + MISSED_BEATS_MS)).toBe(false);
		expect(cluster.isSilent(OTHER, 1_500 + TENURE_MS - 1)).toBe(false);
	});

	it("is not silent if nothing is known of it yet", () => {
		const cluster = new SeenCluster();
		expect(cluster.isSilent(OTHER, 1_000_000)).toBe(false);
	});
});
