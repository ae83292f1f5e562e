import { AuthenticationError, Client, type StreamItem } from "@fanfare/sdk";
// Customers with the tokens of portal sessions, over real sockets: the SDK as its customers use it, live streams that end with their
// session, and calls from pages of other origins.
import { ManualClock, readConfig, startServer } from "@fanfare/server";
import { eventually } from "@fanfare/testkit/eventually";
import { RawConnection, requestHead } from "@fanfare/testkit/raw-connection";
import { startReceiver } from "@fanfare/testkit/receiver";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

const HOUR_MS = 3_600_000;
const APP = "https://app.example.com";

/** A server in this process, whose clock the test moves. */
async function start(env: Record<string, string> = {}) {
	const dir = new TemporaryDir();
	const clock = new ManualClock();
	const settings = {
		FANFARE_PORT: "0",
		FANFARE_DATA_DIR: dir.join("data"),
		FANFARE_LOG_LEVEL: "silent",
		FANFARE_ALLOW_HTTP: "true",
		FANFARE_ALLOW_NETWORKS: "127.0.0.0/8",
		FANFARE_ALLOW_FOR_CUSTOMERS: "true",
		...env,
	};
	const server = await startServer(readConfig(settings), { clock });
	const endpoint = server.url;
	const { project, secretKey } = server.firstStart!;
	const product = new Client(secretKey!, { endpoint }).project(project.id);
	/** A client of a customer, as it runs in the customer's browser. */
	const open = async (customerId: string, expiresInMs = HOUR_MS) => {
		const capabilities = ["webhooks.write", "payloads.read"] as const;
		const session = await product.portalSessions.create({ customerId, capabilities, expiresInMs });
		const client = new Client(session.token, { endpoint, maxRetries: 0 });
		return { ...session, client, own: client.project(project.id) };
	};
	const dispose = async () => {
		await server.stop();
		dir[Symbol.dispose]();
	};
	return {
		server,
		clock,
		product,
		project,
		open,
		port: Number(new URL(endpoint).port),
		[Symbol.asyncDispose]: dispose,
	};
}

/** Collects the items of a customer's stream until it is disposed. `ended` resolves with the error that ends it. */
function watch(own: ReturnType<Client["project"]>) {
	const items: StreamItem[] = [];
	const done = new AbortController();
	const read = async () => {
		for await (const item of own.stream({}, { signal: done.signal })) items.push(item);
	};
	const ended = read().then(
		() => null,
		(error: unknown) => error,
	);
	const dispose = async () => {
		done.abort();
		await ended;
	};
	return { items, ended, [Symbol.asyncDispose]: dispose };
}

describe("a customer", () => {
	it("manages its webhooks and follows its deliveries with the SDK, and sees nothing of others, live or not", async () => {
		await using receiver = await startReceiver();
		await using setting = await start();
		const { product, open, project } = setting;
		const [acme, globex] = [await open("acme"), await open("globex")];
		expect(await acme.client.getCaller()).toMatchObject({ customerId: "acme", projectId: project.id });
		const spec = { endpoint: receiver.url };
		const hook = await acme.own.batch.webhooks.create({ name: "Acme's hook", spec });
		const foreign = await globex.own.batch.webhooks.create({ name: "hook of globex", spec });
		await product.batch.webhooks.create({ name: "our hook", spec });
		await using mine = watch(acme.own);
		await using theirs = watch(globex.own);
		// Until both streams have begun.
		await eventually("both streams to have items", async () => {
			await product.events.send({ type: "order.paid", data: "for everybody", customerIds: "*" });
			return mine.items.length > 0 && theirs.items.length > 0;
		});
		const { id } = await product.events.send({ type: "order.paid", data: "for acme", customerId: "acme" });
		await product.events.send({ type: "order.paid", data: "for globex", customerId: "globex" });
		await product.events.send({ type: "order.paid", data: "for nobody" });
		const isDelivered = (item: StreamItem) =>
			item.kind === "delivery.updated" && item.eventId === id && item.status === "Succeeded";
		await eventually("the delivery to acme", () => mine.items.some(isDelivered));
		await acme.own.batch.webhooks.pause(hook.id);
		await globex.own.batch.webhooks.pause(foreign.id);
		const isPaused = (item: StreamItem) => item.kind === "webhook.updated";
		await eventually("both changes", () => mine.items.some(isPaused) && theirs.items.some(isPaused));
		for (const [items, webhookId] of [
			[mine.items, hook.id],
			[theirs.items, foreign.id],
		] as const) {
			const webhookIds = new Set(items.flatMap((item) => ("webhookId" in item ? [item.webhookId] : [])));
			expect([...webhookIds]).toEqual([webhookId]);
		}
		expect((await acme.own.events.get(id)).data).toBe("for acme");
		const { data: deliveries } = await acme.own.deliveries.list();
		expect(new Set(deliveries.map(({ webhookId }) => webhookId))).toEqual(new Set([hook.id]));
		await expect(acme.own.batch.webhooks.get(foreign.id)).rejects.toMatchObject({ status: 404 });
		await expect(acme.own.events.send({ type: "order.paid", data: 1 })).rejects.toMatchObject({ status: 403 });
	});

	it("is told by the stream, and by the SDK, when its session is revoked; others go on", async () => {
		await using setting = await start();
		const { product, open } = setting;
		const [one, other] = [await open("acme"), await open("acme")];
		await using ending = watch(one.own);
		await using going = watch(other.own);
		const { webhooks } = one.own.batch;
		const { id } = await webhooks.create({ name: "a", spec: { endpoint: "https://example.com/" } });
		await eventually("both streams to have items", async () => {
			await webhooks.pause(id);
			await webhooks.resume(id);
			return ending.items.length > 0 && going.items.length > 0;
		});
		await product.portalSessions.revoke(one.id);
		expect(await ending.ended).toBeInstanceOf(AuthenticationError);
		await expect(one.client.getCaller()).rejects.toMatchObject({ code: "unknown_portal_session" });
		expect(await other.client.getCaller()).toMatchObject({ customerId: "acme" });
		await product.portalSessions.revokeAll({ customerId: "acme" });
		expect(await going.ended).toBeInstanceOf(AuthenticationError);
	});
});

describe("a live stream over HTTP", () => {
	const stream = async (setting: Awaited<ReturnType<typeof start>>, token: string) => {
		const connection = new RawConnection(setting.port);
		const path = `/projects/${setting.project.id}/stream`;
		await connection.write(requestHead("GET", path, { authorization: `Bearer ${token}` }));
		await eventually("the stream to begin", () => connection.unread.includes("heartbeat"));
		return connection;
	};

	it.each<[string, string, (setting: Awaited<ReturnType<typeof start>>, id: string) => Promise<unknown> | void]>([
		["is revoked", "the portal session was ended", ({ product }, id) => product.portalSessions.revoke(id)],
		["has expired", "the access of its caller has ended", ({ clock }) => clock.advance(HOUR_MS)],
		[
			"has lost its project",
			"the project was deleted",
			({ server, project }) =>
				server.engine.projects.delete({ scope: { kind: "project", projectId: project.id }, audit: null }),
		],
	])("ends, and its connection, too, when the session %s", async (_, reason, end) => {
		await using setting = await start();
		const { id, token } = await setting.open("acme");
		using connection = await stream(setting, token);
		await end(setting, id);
		await eventually("the end of the response", () => connection.unread.includes("\r\n0\r\n\r\n"));
		expect(connection.unread).toContain(`"kind":"end","reason":"${reason}"`);
	});

	it("is refused to a customer that has as many as it may have, and not to another one", async () => {
		await using setting = await start({ FANFARE_MAX_STREAMS_PER_CUSTOMER: "2" });
		const [acme, globex] = [await setting.open("acme"), await setting.open("globex")];
		using _one = await stream(setting, acme.token);
		using _two = await stream(setting, (await setting.open("acme")).token);
		const { server, project } = setting;
		const ask = (token: string) =>
			fetch(`${server.url}/projects/${project.id}/stream`, { headers: { "secret-key": token } });
		const refused = await ask(acme.token);
		expect([refused.status, await refused.json()]).toMatchObject([503, { code: "too_many_streams" }]);
		const allowed = await ask(globex.token);
		expect(allowed.status).toBe(200);
		await allowed.body?.cancel();
	});
});

describe("the addresses that attempts come from", () => {
	it("are those of the setting, also for a customer", async () => {
		await using setting = await start({ FANFARE_EGRESS_ADDRESSES: "203.0.113.7,198.51.100.0/24,203.0.113.7" });
		const { client } = await setting.open("acme");
		expect((await client.getEgressAddresses()).addresses).toEqual(["203.0.113.7", "198.51.100.0/24"]);
	});

	it("stop the start if one is inside a network, since it is not clear which is meant", async () => {
		await expect(start({ FANFARE_EGRESS_ADDRESSES: "198.51.100.7/24" })).rejects.toThrow(
			'FANFARE_EGRESS_ADDRESSES has "198.51.100.7/24", an address inside a network: write 198.51.100.0/24 for the network, or 198.51.100.7 for that address alone',
		);
	});
});

describe("a page of another origin", () => {
	it("asks first, and may then call with the token of its customer, and read why it may not any more", async () => {
		await using setting = await start({ FANFARE_PORTAL_ORIGINS: APP });
		const { id, token } = await setting.open("acme");
		using connection = new RawConnection(setting.port);
		const path = `/projects/${setting.project.id}/batch/webhooks`;
		const asked = { origin: APP, "access-control-request-method": "POST" };
		const ask = async (method: string, headers: Record<string, string>, at = path) => {
			await connection.write(requestHead(method, at, headers));
			const answer = await connection.answer();
			return { status: answer.status, origin: answer.headers["access-control-allow-origin"] };
		};
		expect(await ask("OPTIONS", asked)).toEqual({ status: 204, origin: APP });
		expect(await ask("OPTIONS", { ...asked, origin: "null" })).toEqual({ status: 405, origin: undefined });
		expect(await ask("OPTIONS", { ...asked, origin: `${APP}:8443` })).toEqual({ status: 405, origin: undefined });
		expect(await ask("GET", { origin: APP, "secret-key": token })).toEqual({ status: 200, origin: APP });
		expect(await ask("GET", { origin: "null", "secret-key": token })).toEqual({ status: 200, origin: undefined });
		const { secretKey } = setting.server.firstStart!;
		expect(await ask("GET", { origin: APP, "secret-key": secretKey! })).toEqual({ status: 200, origin: undefined });
		await setting.product.portalSessions.revoke(id);
		expect(await ask("GET", { origin: APP, "secret-key": token })).toEqual({ status: 401, origin: APP });
		expect(await ask("GET", { origin: APP }, `${path}?token=${token}`)).toEqual({ status: 401, origin: undefined });
	});
});
