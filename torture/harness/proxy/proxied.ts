// Rounds in which the server delivers through a forward proxy.
import { randomBytes } from "node:crypto";

import { CERTIFICATE_FILE } from "@fanfare/testkit/receiver";

import type { Round } from "../../round.ts";
import { replies, succeeds, type WebhookKind } from "../webhook-kinds.ts";
import { ForwardProxy } from "./forward-proxy.ts";

/** Long enough for a proxy that does not work for seconds. */
const PATIENT = { maxRetries: 20, maxRetryDelay: 500 };
/** The shortest one that is allowed: an attempt through a proxy that hangs takes this long. */
export const TIMEOUT_MS = 1_000;
const NAME = "proxied.torture.test";

/** Starts a proxy, and makes the server use it. To be called before the first start. */
export async function useProxy(round: Round): Promise<void> {
	const proxy = new ForwardProxy(randomBytes(18).toString("base64url"), round.random("proxy"));
	await proxy.listen();
	round.onEnd(() => proxy[Symbol.asyncDispose]());
	round.env["FANFARE_PROXY"] = proxy.url;
	round.env["NODE_EXTRA_CA_CERTS"] = CERTIFICATE_FILE;
	round.hiddenValues.set("the proxy's password", Buffer.from(proxy.password));
	round.hiddenValues.set("the proxy's credentials", Buffer.from(proxy.credentials));
	round.adaptKind = patient;
	round.proxy = proxy;
}

export function proxyOf(round: Round): ForwardProxy {
	if (round.proxy === null) throw new Error("the round has no proxy");
	return round.proxy;
}

/** Adds webhooks with an https endpoint and with a name: they need TLS inside the tunnel, and an address that the server has looked up. */
export async function addProxiedWebhooks(round: Round): Promise<void> {
	const tls = await round.addReceiver({ tls: true });
	round.world.setName(NAME, [["127.0.0.1"]]);
	const kind = { spec: { retries: PATIENT, timeoutMs: TIMEOUT_MS, eventTypes: ["order.*"] }, act: () => replies(200) };
	await round.addWebhook({ ...kind, name: "tls", endpoint: `${tls.url}/tls`, mayEnd: succeeds });
	const endpoint = `http://${NAME}:${round.receiver.port}/named`;
	await round.addWebhook({ ...kind, name: "named", endpoint, mayEnd: succeeds });
}

/** Checks what holds for each round with a proxy: every attempt goes through it, and only to addresses that were checked. */
export function verifyProxied(round: Round): void {
	const proxy = proxyOf(round);
	for (const request of proxy.wrongRequests) round.breach("fault", `the proxy got ${request}`);
	for (const target of new Set(proxy.targets)) {
		if (!target.startsWith("127.0.0.1:")) round.breach("blocked addresses", `the proxy was asked for ${target}`);
	}
	const { host, connectionCount } = round.receiver;
	const dialled = proxy.dialled.get(host) ?? 0;
	round.expect(dialled > 0, "nothing was delivered through the proxy");
	round.expect(connectionCount <= dialled, `${connectionCount - dialled} connections were not made through the proxy`);
}

/** The kind with retries that outlast the proxy's troubles. Those that have few retries may fail. */
function patient(kind: WebhookKind): WebhookKind {
	const spec = { ...kind.spec, timeoutMs: TIMEOUT_MS };
	if (kind.attemptsUntilFailed === undefined) return { ...kind, spec: { ...spec, retries: PATIENT } };
	return { ...kind, spec, mayEnd: (n) => [...new Set([...kind.mayEnd(n), "Failed" as const])] };
}
