// What a read of many webhooks' attempts costs: seeks by the whole primary key, however much is stored.
import { expect, it } from "vitest";

import { openMemory, planOf } from "../../test/plans.ts";
import { SERIES_SQL } from "./series.ts";

it("finds each bucket by its primary key, and scans nothing", () => {
	for (const size of [0, 5_000]) {
		using db = openMemory();
		db.exec(`
			WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < ${size})
			INSERT INTO stats (width_ms, start, owner, accepted, attempts_succeeded, attempts_failed, succeeded, exhausted, latency)
			SELECT 3600000, (n % 50) * 3600000, unhex(printf('%032x', n / 50)), 1, 1, 1, 1, 1, x'' FROM n;
			ANALYZE;
		`);
		const steps = planOf(db, SERIES_SQL).filter((step) => step.includes("stats"));
		expect(steps).toEqual(["SEARCH stats USING PRIMARY KEY (width_ms=? AND start=? AND owner=?)"]);
	}
});
