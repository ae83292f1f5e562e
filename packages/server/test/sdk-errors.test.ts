// An error of the real server names the fields as a caller of the SDK has written them.
import { BadRequestError, type RetryPolicy } from "@fanfare/sdk";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { afterAll, beforeAll, expect, it } from "vitest";

const ENDPOINT = "https://example.com/hook";

let server: ServerProcess;
beforeAll(async () => {
	server = await startServerProcess();
});
afterAll(() => server[Symbol.asyncDispose]());

async function refusal(call: PromiseLike<unknown>): Promise<BadRequestError> {
	const error: unknown = await call.then(
		() => null,
		(cause: unknown) => cause,
	);
	expect(error).toBeInstanceOf(BadRequestError);
	return error as BadRequestError;
}

const create = (retries: Partial<RetryPolicy>) =>
	server.project.batch.webhooks.create({ name: "n", spec: { endpoint: ENDPOINT, retries } });

it("names maxRetryDelay in the sentence and in the issue, after a create and after an update", async () => {
	const webhook = await create({ maxRetryDelay: 1_000 });
	const spec = { retries: { maxRetryDelay: -1 } };

	for (const call of [() => create(spec.retries), () => server.project.batch.webhooks.update(webhook.id, { spec })]) {
		const { message, issues } = await refusal(call());
		expect(issues).toEqual([{ path: "spec.retries.maxRetryDelay", message: "must be at least 0, got -1" }]);
		expect(message).toBe("spec.retries.maxRetryDelay: must be at least 0, got -1");
	}
});

it("names maxRetryDelay where the server lists the fields that exist", async () => {
	const unknownField = await refusal(create({ maxDelay: 1 } as Partial<RetryPolicy>));
	expect(unknownField.issues).toMatchObject([{ path: "spec.retries.maxDelay" }]);
	expect(unknownField.message).toContain("maxRetryDelay");
	expect(unknownField.message).not.toContain("maxBackoffMs");

	const noObject = await refusal(create(7 as Partial<RetryPolicy>));
	expect(noObject.issues).toMatchObject([{ path: "spec.retries" }]);
	expect(noObject.message).toContain("maxRetryDelay");
	expect(noObject.message).not.toContain("maxBackoffMs");
});

it("names other fields as the server does, and keeps the number of further issues", async () => {
	const error = await refusal(
		server.project.batch.webhooks.create({
			name: "n".repeat(129),
			spec: { endpoint: ENDPOINT, retries: { maxRetryDelay: -1 } },
		}),
	);
	expect(error.issues.map(({ path }) => path)).toEqual(["name", "spec.retries.maxRetryDelay"]);
	expect(error.message).toMatch(/^name: .* \(and 1 more, see issues\)$/);
});
