// A secret that the SDK generates: receivers can verify with it, and nobody else learns it.
import { verify } from "@fanfare/sdk";
import { startReceiver } from "@fanfare/testkit/receiver";
import { startServerProcess } from "@fanfare/testkit/server-process";
import { expect, it } from "vitest";

it("verifies what a webhook gets that was created without a secret", async () => {
	await using receiver = await startReceiver();
	await using server = await startServerProcess();
	const created = await server.createWebhook(receiver.url);
	await server.project.events.send({ type: "order.paid", data: { orderId: 42 } });
	await receiver.waitFor(1);
	const { rawBody, headers } = receiver.requests[0]!;
	expect(await verify(rawBody, headers, created.secret)).toMatchObject({ data: { orderId: 42 } });
	expect(created.secretHint).toBe(created.secret.slice(-4));
	const shown = JSON.stringify(await server.project.batch.webhooks.get(created.id));
	expect(shown + server.stdout).not.toContain(created.secret.slice("whsec_".length));
});
