// An error of the real server names the fields as a caller of the SDK has written them.
import { BadRequestError } from "@fanfare/sdk";
import { expect, it } from "vitest";

import { startHere } from "./server-here.ts";

it("names maxRetryDelay in the sentence and in the issues, and where it lists the fields that exist", async () => {
	await using server = await startHere();
	const { webhooks } = server.project.batch;
	const create = (retries: object, name = "n") =>
		webhooks.create({ name, spec: { endpoint: "https://example.com/hook", retries } });
	const refusal = async (call: PromiseLike<unknown>) => {
		const error: unknown = await call.then(
			() => null,
			(cause: unknown) => cause,
		);
		expect(error).toBeInstanceOf(BadRequestError);
		return error as BadRequestError;
	};
	const { id } = await create({ maxRetryDelay: 1_000 });
	const tooLittle = { maxRetryDelay: -1 };
	for (const call of [create(tooLittle), webhooks.update(id, { spec: { retries: tooLittle } })]) {
		const { message, issues } = await refusal(call);
		expect(issues).toEqual([{ path: "spec.retries.maxRetryDelay", message: "must be at least 0, got -1" }]);
		expect(message).toBe("spec.retries.maxRetryDelay: must be at least 0, got -1");
	}
	for (const [retries, path] of [
		[{ maxDelay: 1 }, "spec.retries.maxDelay"],
		[7 as unknown as object, "spec.retries"],
	] as const) {
		const { message, issues } = await refusal(create(retries));
		expect(issues).toMatchObject([{ path }]);
		expect(message).toContain("maxRetryDelay");
		expect(message).not.toContain("maxBackoffMs");
	}
	const several = await refusal(create(tooLittle, "n".repeat(129)));
	expect(several.issues.map(({ path }) => path)).toEqual(["name", "spec.retries.maxRetryDelay"]);
	expect(several.message).toMatch(/^name: .* \(and 1 more, see issues\)$/);
});
