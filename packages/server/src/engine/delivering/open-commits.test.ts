// What the open commits remember, and for how long.
import { expect, it } from "vitest";

import { OpenCommits } from "./open-commits.ts";

it("remembers what is cancelled until the commits that were under way have ended, and no longer", () => {
	const commits = new OpenCommits();
	commits.reserved();
	commits.reserved();
	commits.cancelled("dlv_a");
	commits.reserved();
	commits.cancelled("dlv_b");
	commits.ended(1);
	expect(["dlv_a", "dlv_b"].map((id) => commits.isCancelled(id))).toEqual([true, true]);
	commits.ended(1);
	expect(["dlv_a", "dlv_b"].map((id) => commits.isCancelled(id))).toEqual([false, true]);
	commits.ended(1);
	expect(commits.size).toBe(0);
});

it("remembers nothing while no commit is under way", () => {
	const commits = new OpenCommits();
	commits.cancelled("dlv_a");
	expect(commits.size).toBe(0);
});
