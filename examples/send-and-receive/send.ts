// The sender, as your product would run one: registers the receiver or updates its secret, and sends an event.
import { Client } from "@fanfare/sdk";

const { FANFARE_URL, FANFARE_KEY = "", PORT = "3000", WEBHOOK_SECRET = "" } = process.env;
const name = "orders";
const endpoint = `http://127.0.0.1:${PORT}/hooks`;

const client = new Client(FANFARE_KEY, { endpoint: FANFARE_URL });
const [project] = await client.listProjects();
if (project === undefined) throw new Error("This key opens no project.");

// Each webhook gets every event, so a second one for the same receiver would send it everything twice.
const { webhooks } = project.batch;
const registered = (await webhooks.list()).data.find((webhook) => webhook.name === name);
if (registered === undefined) {
	await webhooks.create({ name, spec: { endpoint, secret: WEBHOOK_SECRET } });
} else {
	await webhooks.update(registered.id, { spec: { endpoint } });
	await webhooks.updateSecret(registered.id, WEBHOOK_SECRET);
}

// Once this resolves, the event is on the server's disk, and is delivered even if this program ends now.
const event = await project.events.send({ type: "order.paid", data: { orderId: 42 } });
console.log(`accepted ${event.id}, deliveries: ${event.deliveryCount}`);
