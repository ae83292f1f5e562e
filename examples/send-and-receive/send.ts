// The sender: your product. Registers the receiver, once, and sends an event.
import { Client } from "@fanfare/sdk";

const { FANFARE_URL, FANFARE_KEY = "", PORT = "3000", WEBHOOK_SECRET = "" } = process.env;
const endpoint = `http://127.0.0.1:${PORT}/hooks`;

const client = new Client(FANFARE_KEY, { endpoint: FANFARE_URL });
const [project] = await client.listProjects();
if (project === undefined) throw new Error("This key opens no project.");

// Only once: each webhook that is registered gets every event.
const { data: webhooks } = await project.batch.webhooks.list();
if (!webhooks.some((webhook) => webhook.endpoint === endpoint)) {
	await project.batch.webhooks.create({ name: "orders", spec: { endpoint, secret: WEBHOOK_SECRET } });
}

// Once this resolves, the event is on the server's disk, and is delivered even if this program ends now.
const event = await project.events.send({ type: "order.paid", data: { orderId: 42 } });
console.log(`accepted ${event.id}, deliveries: ${event.deliveryCount}`);
