// Fanfare in another program's process: the API as a function, sends without a connection, and the program's own log.
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";

import { Client } from "@fanfare/sdk";
import { ConfigError, FanfareError, startServer, type RunningServer } from "@fanfare/server";
import { startReceiver } from "@fanfare/testkit/receiver";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import { Hono } from "hono";
import { describe, expect, it } from "vitest";

import { startHere } from "./server-here.ts";

/** A server without a port. */
const start = () => startHere({ FANFARE_PUBLIC_URL: "http://localhost:3000/fanfare" }, { listen: false });

/** A program that has a port of its own. */
async function host(listener: RequestListener) {
	const site = createServer(listener).listen(0, "127.0.0.1");
	await once(site, "listening");
	const url = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
	const dispose = async () => {
		site.closeAllConnections();
		await new Promise((resolve) => site.close(resolve));
	};
	return { url, [Symbol.asyncDispose]: dispose };
}

/** As Hono does: `mount` cuts the prefix off the path. */
function hono({ handler }: RunningServer): RequestListener {
	const app = new Hono<{ Bindings: HttpBindings }>();
	app.mount("/fanfare", (request, { incoming }: HttpBindings) =>
		handler(request, { remoteAddress: incoming.socket.remoteAddress }),
	);
	app.get("/own", (context) => context.text("the program's own"));
	const listener = getRequestListener(app.fetch);
	return (request, response) => void listener(request, response);
}

/** As Express does with `use("/fanfare", listener)`: it cuts the prefix off `url`. */
function express({ listener }: RunningServer): RequestListener {
	return (request, response) => {
		if (!request.url?.startsWith("/fanfare/")) return void response.end("the program's own");
		request.url = request.url.slice("/fanfare".length);
		listener(request, response);
	};
}

describe.each([
	["handler, mounted in Hono", hono],
	["listener, as Express calls it", express],
])("the API through the program's own server, by %s", (_name, mount) => {
	it("takes every call of the SDK, beside what the program serves itself", async () => {
		await using fanfare = await start();
		await using receiver = await startReceiver();
		await using site = await host(mount(fanfare.running));
		const project = new Client(fanfare.key, { endpoint: `${site.url}/fanfare` }).project(fanfare.projectId);
		const webhook = await project.batch.webhooks.create({ name: "Books", spec: { endpoint: receiver.url } });
		const { id } = await project.events.send({ type: "order.paid", data: { text: "x".repeat(200_000) } });
		await expect.poll(async () => (await project.events.get(id)).deliveries).toMatchObject({ Succeeded: 1 });
		expect((await project.batch.webhooks.test(webhook.id)).status).toBe("Ok");
		expect(await (await fetch(`${site.url}/own`)).text()).toBe("the program's own");
		await expect(new Client("sk_wrong", { endpoint: `${site.url}/fanfare` }).listProjects()).rejects.toThrow(
			"There is no such key",
		);
		const path = `/projects/${fanfare.projectId}/events`;
		const line = { level: "info", msg: "request", path, status: 202, clientAddress: "127.0.0.1" };
		expect(fanfare.log).toContainEqual(expect.objectContaining(line));
	});
});

describe("handler", () => {
	it("knows clients by the address that it is given: failed sign-ins of one keep no other out", async () => {
		await using fanfare = await start();
		const signIn = async (remoteAddress: string) => {
			const headers = { "content-type": "application/json", "fanfare-page": "1" };
			const body = JSON.stringify({ key: `sk_${"a".repeat(43)}` });
			const request = new Request("http://localhost:3000/sessions", { method: "POST", headers, body });
			return (await fanfare.running.handler(request, { remoteAddress })).status;
		};
		const statuses = [];
		// oxlint-disable-next-line no-await-in-loop -- one after the other on purpose
		for (let n = 0; n < 11; n++) statuses.push(await signIn("192.0.2.1"));
		expect(statuses).toEqual([...Array.from({ length: 10 }, () => 401), 429]);
		expect(await signIn("192.0.2.2")).toBe(401);
	});

	it("responds to calls after the stop, and opens no port", async () => {
		const fanfare = await start();
		expect(process.getActiveResourcesInfo()).not.toContain("TCPServerWrap");
		expect(fanfare.running.url).toBe("http://localhost:3000/fanfare");
		await fanfare[Symbol.asyncDispose]();
		const headers = { "secret-key": fanfare.key, "content-type": "application/json" };
		const url = `http://localhost:3000/projects/${fanfare.projectId}/events`;
		const body = JSON.stringify({ type: "order.paid", data: 1 });
		const response = await fanfare.running.handler(new Request(url, { method: "POST", headers, body }));
		expect([response.status, (await response.json()) as object]).toMatchObject([503, { code: "shutting_down" }]);
	});
});

describe("send", () => {
	it("accepts what the API accepts, once for each idempotency key, and delivers it exactly", async () => {
		await using fanfare = await start();
		await using receiver = await startReceiver();
		const { running: server, projectId, key } = fanfare;
		await using site = await host(express(server));
		const project = new Client(key, { endpoint: `${site.url}/fanfare` }).project(projectId);
		await project.batch.webhooks.create({ name: "Books", spec: { endpoint: receiver.url } });
		const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
		const event = { type: "order.paid", data: { z: 1, a: "ü" }, idempotencyKey: "k", tags: ["order:1"], traceparent };
		const first = await server.send(event);
		expect(first).toMatchObject({ duplicate: false, event: { projectId, type: "order.paid", deliveryCount: 1 } });
		expect(await server.send({ ...event, projectId })).toMatchObject({
			duplicate: true,
			event: { id: first.event.id },
		});
		await expect(server.send({ ...event, data: 2 })).rejects.toMatchObject({ code: "idempotency_conflict" });
		await expect.poll(() => receiver.requests.length).toBe(1);
		expect(receiver.requests[0]!.rawBody.toString()).toContain('"data":{"z":1,"a":"ü"}');
		expect(await project.events.get(first.event.id)).toMatchObject({ traceparent, tags: ["order:1"] });
	});

	it("refuses what the API refuses, in its words", async () => {
		await using fanfare = await start();
		const { send } = fanfare.running;
		const refused = async (event: object) => {
			try {
				await send(event as never);
			} catch (error) {
				if (error instanceof FanfareError) return [error.code, error.issues[0]?.path ?? null];
				throw error;
			}
			return "accepted";
		};
		expect(await refused({ data: 1 })).toEqual(["invalid_request", "type"]);
		expect(await refused({ type: "order.paid" })).toEqual(["invalid_request", "data"]);
		expect(await refused({ type: "fanfare.own", data: 1 })).toEqual(["invalid_request", "type"]);
		expect(await refused({ type: "order.paid", data: 1, colour: "red" })).toEqual(["invalid_request", "colour"]);
		expect(await refused({ type: "order.paid", data: "x".repeat(300_000) })).toEqual(["payload_too_large", null]);
		expect(await refused({ type: "order.paid", data: 1, projectId: "proj_x" })).toEqual(["project_not_found", null]);
		await expect(send({ type: "order.paid", data: 1n })).rejects.toThrow("BigInt");
		await fanfare.running.engine.projects.create("second", null);
		expect(await refused({ type: "order.paid", data: 1 })).toEqual(["invalid_request", "projectId"]);
	});
});

describe("startServer", () => {
	it("refuses settings that are wrong by their names, and listen: false without a public URL", async () => {
		await expect(startServer({ port: 70_000 })).rejects.toThrow(/^port must be a port number/);
		await expect(startServer({}, { listen: false })).rejects.toBeInstanceOf(ConfigError);
		await expect(startServer({}, { listen: false })).rejects.toThrow(/^publicUrl must be set with listen: false/);
	});
});
