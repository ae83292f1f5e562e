// Runs are shared by those who come before they begin, and by nobody who comes later.
import { expect, it } from "vitest";

import { SharedRuns } from "./shared-runs.ts";

function scripted() {
	const reads = new SharedRuns();
	const open: PromiseWithResolvers<void>[] = [];
	const run = (key = "a") =>
		reads.run(key, () => {
			const read = Promise.withResolvers<void>();
			open.push(read);
			return read.promise;
		});
	return { open, run };
}

it("gives callers that come during a read one read that follows it", async () => {
	const { open, run } = scripted();
	const first = run();
	const [second, third] = [run(), run()];
	expect(open).toHaveLength(1);
	open[0]!.resolve();
	await first;
	await Promise.resolve();
	expect(open).toHaveLength(2);
	const fourth = run();
	open[1]!.resolve();
	await Promise.all([second, third]);
	await Promise.resolve();
	expect(open).toHaveLength(3);
	open[2]!.resolve();
	await fourth;
	void run();
	expect(open).toHaveLength(4);
});

it("reads again after a failure, also for those who waited behind it, and keeps keys apart", async () => {
	const { open, run } = scripted();
	const failing = run();
	const waiting = run();
	void run("b");
	expect(open).toHaveLength(2);
	open[0]!.reject(new Error("broken"));
	await expect(failing).rejects.toThrow("broken");
	await Promise.resolve();
	open[2]!.resolve();
	await waiting;
});
