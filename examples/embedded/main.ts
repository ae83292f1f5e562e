// `npm run embedded`: a shop that runs Fanfare in its own process and on its own port. Customers' orders become events, and Fanfare's
// page, portal and API are below /fanfare.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { startServer, tuneProcess } from "@fanfare/server";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import { Hono } from "hono";

const { PORT = "3000", DATA_DIR = "./fanfare-data", ALLOW_HTTP } = process.env;

// Before anything else: libuv reads the number of its threads once.
tuneProcess();

// The port is known first, since Fanfare must be told the address at which the shop serves it.
const site = createServer().listen(Number(PORT), "127.0.0.1");
await once(site, "listening");
const origin = `http://localhost:${(site.address() as AddressInfo).port}`;

/** Fanfare logs into the shop's own log. A logger of pino can be given as it is. */
const log = (level: string) => (fields: object, message: string) =>
	console.error(JSON.stringify({ part: "fanfare", level, message, ...fields }));
const logger = { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error"), fatal: log("fatal") };

const fanfare = await startServer(
	{
		dataDir: DATA_DIR,
		publicUrl: `${origin}/fanfare`,
		logLevel: "warn",
		// For receivers on this machine, to try it. Never for the endpoints of strangers.
		...(ALLOW_HTTP !== undefined && { allowHttp: true, allowNetworks: ["127.0.0.0/8"] }),
	},
	{ listen: false, logger },
);

const app = new Hono<{ Bindings: HttpBindings }>();
app.post("/orders", async (context) => {
	const order = await context.req.json<{ id: number; total: number }>();
	// Resolves when the event is on disk: from here on, it is delivered, whatever happens to this process.
	const { event } = await fanfare.send({ type: "order.paid", data: order, idempotencyKey: `order-${order.id}-paid` });
	return context.json({ order: order.id, event: event.id }, 201);
});
app.mount("/fanfare", (request, { incoming }: HttpBindings) =>
	fanfare.handler(request, { remoteAddress: incoming.socket.remoteAddress }),
);
const listener = getRequestListener(app.fetch);
site.on("request", (request, response) => void listener(request, response));

console.log(`The shop is at ${origin}, and Fanfare at ${fanfare.publicUrl}.`);
if (fanfare.firstStart?.secretKey)
	console.log(`The first start has made an admin key: ${fanfare.firstStart.secretKey}`);

const stop = async () => {
	site.close();
	site.closeIdleConnections();
	await fanfare.stop();
};
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void stop());
// Rejects if the server can't go on. Whoever supervises this process starts it again.
await fanfare.closed;
