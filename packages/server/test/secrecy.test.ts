// Secrets are write-only: calls of many kinds are made with recognisable values, which are then searched for everywhere.
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { verifySignature } from "@fanfare/sdk";
import { runFanfare } from "@fanfare/testkit/fanfare-process";
import { findings } from "@fanfare/testkit/findings";
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { startServerProcess, type Answer, type ServerProcess } from "@fanfare/testkit/server-process";
import { beforeAll, describe, expect, it } from "vitest";

const MASTER_KEY = randomBytes(32);
const SECRETS = { first: randomBytes(32), second: randomBytes(24), refused: randomBytes(8), relay: randomBytes(32) };
const HEADER_VALUE = "Bearer header-value-that-nobody-may-see";
const REFUSED_HEADER_VALUE = "refused-header-value-that-nobody-may-see\n";
const PAYLOAD = "payload-that-belongs-in-no-log";
const BROKEN_PAYLOAD = "payload-of-a-broken-request";
const PATH_TOKEN = "token-in-the-path-of-an-endpoint";
const PASSWORD = "password-in-an-endpoint";
const ACTOR = "recognisable-actor@example.com";
const REFUSED_ACTOR = "refused actor that nobody may see";
const WRONG_TOKEN = `ps_${"wrongtok".repeat(6).slice(0, 43)}`;
const WRONG_KEY = `sk_${"wrongkey".repeat(6).slice(0, 43)}`;

/** Everything that the server has printed, returned and stored. */
interface Output {
	readonly log: string;
	readonly answers: readonly Answer[];
	readonly metrics: string;
	/** The names and bytes of its files. */
	readonly files: ReadonlyMap<string, Buffer>;
	/** The keys that the server has generated and shown once. */
	readonly keys: { readonly admin: string; readonly made: string; readonly rolled: string; readonly token: string };
	/** The token of a session, and of a sign-in link that was not used. */
	readonly tokens: { readonly session: string; readonly link: string };
}

/** Values that must not be shown anywhere, nor stored in a readable form. */
const SECRET_VALUES: Readonly<Record<string, (output: Output) => Buffer>> = {
	"the master key": () => MASTER_KEY,
	"a secret": () => SECRETS.first,
	"a replaced secret": () => SECRETS.second,
	"a refused secret": () => SECRETS.refused,
	"a relay's secret": () => SECRETS.relay,
	"a header's value": () => Buffer.from(HEADER_VALUE),
	"a refused header's value": () => Buffer.from(REFUSED_HEADER_VALUE.trim()),
	"an unknown key": () => Buffer.from(WRONG_KEY),
	"an unknown token of a customer": () => Buffer.from(WRONG_TOKEN),
	"a refused actor": () => Buffer.from(REFUSED_ACTOR),
	"a password": () => Buffer.from(PASSWORD),
	"the admin key": ({ keys }) => Buffer.from(keys.admin),
	"a created key": ({ keys }) => Buffer.from(keys.made),
	"a rolled key": ({ keys }) => Buffer.from(keys.rolled),
	"a session's token": ({ tokens }) => Buffer.from(tokens.session),
	"a sign-in link's token": ({ tokens }) => Buffer.from(tokens.link),
	"the token of a customer": ({ keys }) => Buffer.from(keys.token),
};
/** Values that are stored, but shown only to receivers. */
const PAYLOADS: typeof SECRET_VALUES = {
	"a payload": () => Buffer.from(PAYLOAD),
	"the payload of a broken request": () => Buffer.from(BROKEN_PAYLOAD),
};
/** Values that are shown to callers with a key. A path can contain a receiver's token, and an actor is often a person. */
const SHOWN: typeof SECRET_VALUES = {
	"the path of an endpoint": () => Buffer.from(PATH_TOKEN),
	"an actor": () => Buffer.from(ACTOR),
};

describe("after successes, failures and mistakes", () => {
	let output: Output;
	beforeAll(async () => {
		output = await makeCalls();
	});

	it("the values were really used, so that the searches below mean something", () => {
		expect(output.log).toContain('"msg":"attempt"');
		expect(output.log).toContain('"msg":"request"');
		expect(output.answers.map(({ status }) => status)).toEqual(expect.arrayContaining([200, 202, 400, 401, 404, 413]));
		expect(output.metrics).toContain("fanfare_attempts_total");
		expect(findings(output.files, Buffer.from(PAYLOAD))).toContainEqual(expect.stringContaining("fanfare.db"));
		for (const value of Object.values(SHOWN)) {
			expect(findings(answersOf(output), value(output)).length).toBeGreaterThan(0);
		}
	});

	it.each(Object.entries({ ...SECRET_VALUES, ...PAYLOADS, ...SHOWN }))("%s is in no log or metric", (_what, value) => {
		const places = new Map([
			["log", Buffer.from(output.log)],
			["metrics", Buffer.from(output.metrics)],
		]);
		expect(findings(places, value(output))).toEqual([]);
	});

	it.each(Object.entries({ ...SECRET_VALUES, ...PAYLOADS }))("%s is in no response", (_what, value) => {
		expect(findings(answersOf(output), value(output))).toEqual([]);
	});

	it.each(Object.entries(SECRET_VALUES))("%s is in no file", (_what, value) => {
		expect(findings(output.files, value(output))).toEqual([]);
	});
});

describe("a value is found", () => {
	const value = Buffer.from("recognisable-value");

	it.each([
		["as it is", "x recognisable-value y"],
		["in hexadecimal", value.toString("hex")],
		["in HEXADECIMAL", value.toString("hex").toUpperCase()],
		...[0, 1, 2].flatMap((shift) => [
			[
				`in base64, ${shift} bytes in`,
				Buffer.concat([Buffer.alloc(shift, "{"), value, Buffer.from("}}")]).toString("base64"),
			],
			[`in base64url, ${shift} bytes in`, Buffer.concat([Buffer.alloc(shift, 255), value]).toString("base64url")],
		]),
	])("%s", (_how, text) => {
		expect(findings(new Map([["place", Buffer.from(`…${text}…`)]]), value)).toHaveLength(1);
	});

	it("only as a whole", () => {
		expect(findings(new Map([["place", Buffer.from("recognisable-valu")]]), value)).toEqual([]);
	});
});

async function makeCalls(): Promise<Output> {
	await using receiver = await startReceiver();
	const env = { FANFARE_LOG_LEVEL: "trace", FANFARE_MASTER_KEY: MASTER_KEY.toString("hex") };
	await using server = await startServerProcess({ env });
	const answers: Answer[] = [];
	const call = async (...request: Parameters<ServerProcess["call"]>) => {
		const answer = await server.call(...request);
		answers.push(answer);
		return answer;
	};
	const admin = server.key;
	const firstOutput = server.stderr + server.stdout;
	// As the server asks: the key is nowhere else.
	rmSync(join(server.dataDir, "admin.key"));
	const { id, secretKey: made } = await server.client.keys.create({ name: "made", scope: "write" });
	const { secretKey: rolled } = await server.client.keys.roll(id);
	const tokens = await signIn(server, rolled);
	const session = { customerId: "acme", capabilities: ["webhooks.write"], actor: ACTOR } as const;
	const { token } = await server.project.portalSessions.create(session);
	await playSuccess(call, server, receiver);
	await playCustomer(call, server, token);
	await playRelay(call, server);
	await playFailures(call, server, receiver);
	await playMistakes(call, server, made);
	const metrics = (await server.call("GET", "/metrics")).text;
	// Twice: with the write-ahead log of the running server, and after the stop has written it into the database.
	const running = readFiles(server.dataDir, "running: ");
	await server.stop();
	const files = new Map([...running, ...readFiles(server.dataDir, "stopped: ")]);
	const output = server.stderr + server.stdout;
	const refused = await runFanfare(["serve"], {
		env: { FANFARE_DATA_DIR: server.dataDir, FANFARE_MASTER_KEY: "f".repeat(64) },
	});
	return {
		log: firstOutput + output + refused.stderr,
		answers,
		metrics,
		files,
		keys: { admin, made, rolled, token },
		tokens,
	};
}

/** Signs in, makes a call in the session, and makes a link. Shown once, in responses that are not searched. */
async function signIn(server: ServerProcess, key: string): Promise<Output["tokens"]> {
	const page = { "secret-key": "", "fanfare-page": "1" };
	const { headers } = await server.call("POST", "/sessions", { key }, page);
	const cookie = headers.get("set-cookie")?.split(";")[0] ?? "";
	await server.call("GET", "/workspace/key", undefined, { ...page, cookie });
	await server.call("GET", `/workspace?${cookie}`, undefined, { ...page, cookie });
	const { url } = await server.client.sessions.createLink();
	return { session: cookie.split("=")[1] ?? "", link: url.split("#link=")[1] ?? "" };
}

type Call = (...request: Parameters<ServerProcess["call"]>) => Promise<Answer>;

function webhooksPath(server: ServerProcess): string {
	return `/projects/${server.projectId}/batch/webhooks`;
}

function eventsPath(server: ServerProcess): string {
	return `/projects/${server.projectId}/events`;
}

async function playSuccess(call: Call, server: ServerProcess, receiver: Receiver): Promise<void> {
	const spec = {
		endpoint: `${receiver.url}/${PATH_TOKEN}?token=${PATH_TOKEN}`,
		secret: { contents: `whsec_${SECRETS.first.toString("base64")}` },
		headers: { authorization: HEADER_VALUE, "x-plain": HEADER_VALUE },
		retries: { maxRetries: 1, maxBackoffMs: 50 },
	};
	const created = await call("POST", webhooksPath(server), { name: "with secrets", spec });
	const { id } = created.json as { id: string };
	await call("GET", `${webhooksPath(server)}/${id}`);
	await call("POST", `${webhooksPath(server)}/${id}:test`);
	await call("POST", eventsPath(server), { type: "a.b", data: { text: PAYLOAD }, idempotencyKey: "once" });
	await call("POST", eventsPath(server), { type: "a.b", data: { text: PAYLOAD }, idempotencyKey: "once" });
	await call("PUT", `${webhooksPath(server)}/${id}/secret`, { contents: SECRETS.second.toString("base64") });
	const patch = { spec: { headers: { "x-plain": HEADER_VALUE } } };
	await call("PATCH", `${webhooksPath(server)}/${id}`, patch, { "fanfare-actor": ACTOR });
	await call("GET", `/workspace/audit?objectId=${id}`);
	await call("POST", `${eventsPath(server)}:batch`, {
		events: [
			{ type: "a.b", data: PAYLOAD },
			{ type: "a b", data: PAYLOAD },
		],
	});
	await receiver.waitFor(3);
	// The values must really have been sent, or the searches mean nothing.
	expect(receiver.requests[1]?.headers["authorization"]).toBe(HEADER_VALUE);
	expect(receiver.requests[1]?.rawBody.toString()).toContain(PAYLOAD);
}

async function playCustomer(call: Call, server: ServerProcess, token: string): Promise<void> {
	const spec = { endpoint: "https://example.com/" };
	const headers = { "secret-key": token };
	const made = await call("POST", webhooksPath(server), { name: "a customer's", spec }, headers);
	const { id } = made.json as { id: string };
	expect(made.status).toBe(200);
	await call("GET", "/workspace/key", undefined, headers);
	await call("GET", "/workspace/keys", undefined, headers);
	await call("GET", `/workspace/audit?objectId=${id}`);
	await call("GET", `/projects/${server.projectId}/portal-sessions`);
	await call("GET", `/projects/${server.projectId}/events?token=${token}`, undefined, { "secret-key": "" });
	for (const path of [`/portal/${token}`, `/portal/%70s${token.slice(2)}`]) await call("GET", path);
}

/** Makes a relay, changes its secret, and connects its client, which gets a signed request. */
async function playRelay(call: Call, server: ServerProcess): Promise<void> {
	const relays = `/projects/${server.projectId}/relays`;
	const secret = `whsec_${SECRETS.relay.toString("base64")}`;
	await call("POST", relays, {
		device: "laptop",
		secret: SECRETS.second.toString("base64"),
		eventTypes: ["relayed.*"],
	});
	const settings = { device: "laptop", secret, eventTypes: ["relayed.*"] };
	const { status, json } = await call("POST", relays, settings);
	expect(status).toBe(200);
	const { id } = json as { id: string };
	for await (const request of server.project.relays.connect(settings, {
		onState: ({ state }) => {
			if (state === "ready") void server.project.events.send({ type: "relayed.event", data: 1 });
		},
	})) {
		await verifySignature(Buffer.from(request.body).toString(), Object.fromEntries(request.headers), secret);
		await request.answer({ status: 200 });
		break;
	}
	for (const path of ["", `/${id}`]) await call("GET", relays + path);
	await call("POST", relays, { device: "refused", secret: SECRETS.refused.toString("base64") });
	await call("DELETE", `${relays}/${id}`);
}

async function playFailures(call: Call, server: ServerProcess, receiver: Receiver): Promise<void> {
	receiver.script((_request, index) => (index % 2 === 0 ? { status: 500, close: true } : { kind: "reset" }));
	const event = await call("POST", eventsPath(server), { type: "a.b", data: { text: PAYLOAD } });
	const { id } = event.json as { id: string };
	const delivery = await server.waitForDelivery(id, ({ status }) => status === "Failed");
	await call("GET", `/projects/${server.projectId}/deliveries/${delivery.id}`);
	for (const list of ["deliveries", "events", "batch/webhooks"])
		await call("GET", `/projects/${server.projectId}/${list}`);
	await call("GET", "/workspace/keys");
	await call("GET", "/readyz");
	const [webhook] = (await server.project.batch.webhooks.list()).data;
	await call("POST", `${webhooksPath(server)}/${webhook?.id}:test`);
}

/** Requests of every kind that is refused, each with a secret value in it. */
async function playMistakes(call: Call, server: ServerProcess, key: string): Promise<void> {
	const endpoint = "https://example.com/";
	const contents = SECRETS.refused.toString("base64");
	const create = (spec: object) => call("POST", webhooksPath(server), { name: "refused", spec: { endpoint, ...spec } });
	await create({ secret: { contents } });
	await create({ secret: contents });
	await create({ secret: { contents: SECRETS.first.toString("base64"), extra: contents } });
	await create({ headers: { authorization: REFUSED_HEADER_VALUE } });
	await create({ headers: { "bad name": REFUSED_HEADER_VALUE } });
	await create({ headers: [REFUSED_HEADER_VALUE] });
	await create({ endpoint: `https://user:${PASSWORD}@example.com/` });
	await call("PUT", `${webhooksPath(server)}/webhook_none/secret`, { contents });
	for (const body of [
		`{"type":"a.b","data":"${BROKEN_PAYLOAD}`,
		`{"type":"a.b","data":${BROKEN_PAYLOAD}}`,
		`"${BROKEN_PAYLOAD}"`,
		`{"type":"${BROKEN_PAYLOAD} ","data":1}`,
		`{"type":"a.b","data":"${BROKEN_PAYLOAD.repeat(12_000)}"}`,
	]) {
		await call("POST", eventsPath(server), body);
	}
	for (const wrong of [WRONG_KEY, WRONG_TOKEN, `${key} `.repeat(2), key.slice(0, -1)]) {
		await call("GET", "/workspace", undefined, { "secret-key": wrong });
		await call("GET", "/workspace", undefined, { "secret-key": "", authorization: `Bearer ${wrong}` });
		await call("GET", "/workspace", undefined, { "secret-key": "", authorization: `Basic ${wrong}` });
	}
	for (const actor of [REFUSED_ACTOR, WRONG_KEY, WRONG_TOKEN, `whsec_${contents}`]) {
		await call("POST", webhooksPath(server), { name: "refused", spec: { endpoint } }, { "fanfare-actor": actor });
	}
	await call("GET", `/workspace?key=${WRONG_KEY}`);
	await call("GET", `${webhooksPath(server)}?page=${WRONG_KEY}`);
	await call("GET", "/no/such/path");
	const escaped = encodeURIComponent(WRONG_KEY).replace("_", "%5F");
	const secret = `whsec_${contents}`;
	for (const path of [WRONG_KEY, WRONG_TOKEN, `${WRONG_KEY}/events`, `Bearer%20${WRONG_KEY}`, escaped, secret]) {
		await call("GET", `/${path}`);
		await call("POST", `/projects/${path}/events`, {});
		await call("PUT", `/healthz/${"x".repeat(170)}/${path}`);
	}
	await call("GET", `${webhooksPath(server)}/${WRONG_KEY}`);
}

function answersOf({ answers }: Output): Map<string, Buffer> {
	return new Map(
		answers.map(({ status, headers, text }, index) => {
			const head = [...headers].map(([name, value]) => `${name}: ${value}`).join("\n");
			return [`answer ${index} (${status})`, Buffer.from(`${head}\n${text}`)];
		}),
	);
}

function readFiles(dir: string, prefix: string): Map<string, Buffer> {
	return new Map(readdirSync(dir).map((name) => [prefix + name, readFileSync(join(dir, name))]));
}
