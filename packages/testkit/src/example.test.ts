import { startReceiver } from "@fanfare/testkit/receiver";
import { startServerProcess } from "@fanfare/testkit/server-process";
import { expect, it } from "vitest";

it("delivers after a SIGKILL what was acknowledged before it", async () => {
	await using receiver = await startReceiver();
	await using server = await startServerProcess();
	await server.createWebhook(receiver.url);

	receiver.respond([{ kind: "hang" }]); // the first request gets no response; later ones get 200
	const { id } = await server.project.events.send({ type: "order.paid", data: { orderId: 42 } });
	await receiver.waitFor(1);
	server.kill("SIGKILL");
	await server.restart();

	const delivery = await server.waitForDelivery(id, ({ status }) => status === "Succeeded");
	expect(delivery.attempts).toHaveLength(1);
});
